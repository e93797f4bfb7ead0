#include "worker/tools/model_writer/safetensors_writer.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/support/test_checkpoint.h"
#include "worker/model/model_directory.h"
#include "worker/model/safetensors_file.h"

namespace headscope::worker {
namespace {

OutputTensor Constant(const std::string& name, std::vector<std::int64_t> shape, float value) {
  return {name, std::move(shape), [value](std::span<float> values) { std::ranges::fill(values, value); }};
}

// The one number of a tensor stored as BF16, widened.
float RoundTrip(float value) {
  const TempDirectory directory;
  EXPECT_TRUE(WriteSafetensors(directory.File("x"), StoredType::kBFloat16, {Constant("x", {1}, value)}).ok());
  const std::string bytes = ParseSafetensors(ReadFileOrDie(directory.File("x"))).at("x").bytes;
  std::uint16_t stored = 0;
  std::memcpy(&stored, bytes.data(), sizeof(stored));
  return std::bit_cast<float>(std::uint32_t{stored} << 16);
}

TEST(SafetensorsWriterTest, TheEnginesReaderFindsNamesShapesAndValues) {
  const TempDirectory directory;
  const absl::Status written = WriteSafetensors(directory.File("model.safetensors"), StoredType::kFloat32,
                                                {Constant("b", {2, 3}, 1.5f), Constant("a", {1}, -2.0f)});
  ASSERT_TRUE(written.ok()) << written;
  const auto opened = ModelDirectory::Open(directory.path(), "");
  ASSERT_TRUE(opened.ok());
  const auto file = SafetensorsFile::Open(*opened, "model.safetensors");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->header().at("b").shape, (std::vector<std::int64_t>{2, 3}));
  const TestTensors tensors = ParseSafetensors(ReadFileOrDie(directory.File("model.safetensors")));
  EXPECT_EQ(tensors.at("b").Values(), std::vector<double>(6, 1.5));
  EXPECT_EQ(tensors.at("a").Values(), std::vector<double>{-2.0});
}

TEST(SafetensorsWriterTest, BFloat16IsRoundedToTheNearestTiesToEven) {
  EXPECT_EQ(RoundTrip(1.0f + 0x1p-9f), 1.0f);
  EXPECT_EQ(RoundTrip(1.0f + 0x1p-8f), 1.0f);
  EXPECT_EQ(RoundTrip(1.0f + 0x1p-8f + 0x1p-20f), 1.0f + 0x1p-7f);
  EXPECT_EQ(RoundTrip(1.0f + 0x1p-7f + 0x1p-8f), 1.0f + 0x1p-6f);
  EXPECT_EQ(RoundTrip(-3.0f), -3.0f);
}

TEST(SafetensorsWriterTest, ANameTwiceIsRefused) {
  const TempDirectory directory;
  const absl::Status status =
      WriteSafetensors(directory.File("x"), StoredType::kFloat32, {Constant("a", {1}, 0), Constant("a", {1}, 0)});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
}

TEST(SafetensorsWriterTest, AFileThatCannotBeWrittenIsSaidWithItsPath) {
  const TempDirectory directory;
  const absl::Status status = WriteTextFile(directory.File("no/such/folder"), "text");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("no/such/folder"));
}

}  // namespace
}  // namespace headscope::worker
