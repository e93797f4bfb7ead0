#include "worker/model/safetensors_file.h"

#include <unistd.h>

#include <cstring>

#include <gtest/gtest.h>

#include "tests/worker/support/test_checkpoint.h"

namespace headscope::worker {
namespace {

const char kHeader[] = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";

class SafetensorsFileTest : public ::testing::Test {
 protected:
  absl::StatusOr<SafetensorsFile> OpenWith(const std::string& content) {
    WriteFileOrDie(directory_.File("m.safetensors"), content);
    return SafetensorsFile::Open(*ModelDirectory::Open(directory_.path(), ""), "m.safetensors");
  }
  std::string WithLength(std::uint64_t length, const std::string& rest) {
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &length, 8);
    return bytes + rest;
  }

  TempDirectory directory_;
};

TEST_F(SafetensorsFileTest, ReadsATensorsBytes) {
  const float values[] = {1.5f, -2.0f};
  const auto file = OpenWith(RawSafetensors(kHeader, std::string(reinterpret_cast<const char*>(values), 8)));
  ASSERT_TRUE(file.ok()) << file.status();
  float read[2] = {};
  ASSERT_TRUE(file->Read(file->header().at("a"), read).ok());
  EXPECT_EQ(read[0], 1.5f);
  EXPECT_EQ(read[1], -2.0f);
}

TEST_F(SafetensorsFileTest, RefusesLengthsThatTheFileCannotHave) {
  const std::string rest = std::string(kHeader) + std::string(8, 'x');
  for (const std::uint64_t length :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{rest.size() + 1}, std::uint64_t{100'000'001},
        ~std::uint64_t{0}, ~std::uint64_t{0} - 7, std::uint64_t{1} << 63}) {
    const absl::Status status = OpenWith(WithLength(length, rest)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << length << " " << status;
  }
}

// Files with a hole in place of content: they have the length without taking the space.
TEST_F(SafetensorsFileTest, AHeaderOf100GigabytesIsRefusedEvenWhereTheFileHasThem) {
  constexpr std::uint64_t kClaimed = 100'000'000'000;
  WriteFileOrDie(directory_.File("m.safetensors"), WithLength(kClaimed, "{"));
  if (::truncate(directory_.File("m.safetensors").c_str(), 2 * kClaimed) != 0)
    GTEST_SKIP() << "no files of 200 GB here";
  const auto file = SafetensorsFile::Open(*ModelDirectory::Open(directory_.path(), ""), "m.safetensors");
  EXPECT_EQ(file.status().code(), absl::StatusCode::kInvalidArgument) << file.status();
  EXPECT_NE(file.status().message().find("100000000000"), absl::string_view::npos) << file.status();
}

TEST_F(SafetensorsFileTest, AHeaderThatIsAHoleIsRefused) {
  WriteFileOrDie(directory_.File("m.safetensors"), WithLength(kMaxHeaderBytes, "{"));
  ASSERT_EQ(::truncate(directory_.File("m.safetensors").c_str(), kMaxHeaderBytes + 8), 0);
  const auto file = SafetensorsFile::Open(*ModelDirectory::Open(directory_.path(), ""), "m.safetensors");
  EXPECT_EQ(file.status().code(), absl::StatusCode::kInvalidArgument) << file.status();
}

TEST_F(SafetensorsFileTest, RefusesFilesTooShortForALength) {
  for (const std::string& content : {std::string(), std::string("1234567"), std::string(8, '\0')}) {
    EXPECT_EQ(OpenWith(content).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST_F(SafetensorsFileTest, RefusesATruncatedFile) {
  const std::string whole = RawSafetensors(kHeader, std::string(8, 'x'));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(OpenWith(whole.substr(0, size)).status().code(), absl::StatusCode::kInvalidArgument) << size;
  }
}

TEST_F(SafetensorsFileTest, AFileThatShrinksWhileOpenGivesAnErrorAndNoSignal) {
  const auto file = OpenWith(RawSafetensors(kHeader, std::string(8, 'x')));
  ASSERT_TRUE(file.ok());
  ASSERT_EQ(::truncate(directory_.File("m.safetensors").c_str(), 12), 0);
  char read[8];
  EXPECT_EQ(file->Read(file->header().at("a"), read).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(file->file().CheckSize().code(), absl::StatusCode::kDataLoss);
}

TEST_F(SafetensorsFileTest, ErrorsNameTheFile) {
  const absl::Status status = OpenWith(RawSafetensors("{}", "xxxx")).status();
  EXPECT_NE(status.message().find("m.safetensors"), absl::string_view::npos);
}

}  // namespace
}  // namespace headscope::worker
