#include "proto/support/sample_encoding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/support/limits.h"
#include "proto/support/sha256.h"

namespace headscope {
namespace {

using ::testing::StartsWith;

TEST(SampleEncodingTest, EveryKindComesBack) {
  const std::vector<Sample> samples = {
      {"a", TextPair{"p\0q", "r"}}, {"b", TokenIds{{1, 2, 4'000'000'000}, 2}}, {"c", PlainText{"caf\xC3\xA9"}}};
  std::string bytes;
  for (const Sample& sample : samples) AppendSampleRecord(sample, bytes);
  std::string_view rest = bytes;
  for (const Sample& sample : samples) {
    const auto taken = TakeSampleRecord(rest);
    ASSERT_TRUE(taken.ok()) << taken.status();
    EXPECT_EQ(*taken, sample);
  }
  EXPECT_TRUE(rest.empty());
}

// The digest names datasets for good: the bytes must never change.
TEST(SampleEncodingTest, BytesAreFixed) {
  std::string bytes;
  AppendSampleRecord({"1", TokenIds{{7, 8}, 1}}, bytes);
  EXPECT_EQ(ToHex(bytes),
            "19000000"
            "01000000"
            "31"
            "02000000"
            "01000000"
            "02000000"
            "07000000"
            "08000000");
}

TEST(SampleEncodingTest, EveryTruncationIsRefused) {
  std::string bytes;
  AppendSampleRecord({"id", TextPair{"prompt", "response"}}, bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    std::string_view cut = std::string_view(bytes).substr(0, size);
    EXPECT_EQ(TakeSampleRecord(cut).status().code(), absl::StatusCode::kDataLoss) << size;
  }
}

TEST(SampleEncodingTest, ClaimedIdCountBeyondTheRecordIsRefused) {
  std::string bytes;
  AppendSampleRecord({"1", TokenIds{{7, 8}, 1}}, bytes);
  bytes[17] = '\x7f';  // number of ids
  std::string_view view = bytes;
  EXPECT_EQ(TakeSampleRecord(view).status().code(), absl::StatusCode::kDataLoss);
}

struct BadSample {
  Sample sample;
  const char* message;
};

TEST(CheckSampleTest, NamesTheFault) {
  const BadSample cases[] = {
      {{"", PlainText{"x"}}, "id: empty"},
      {{std::string(kMaxSampleIdBytes + 1, 'a'), PlainText{"x"}}, "id: 257 bytes"},
      {{"\xff", PlainText{"x"}}, "id: not valid UTF-8"},
      {{"1", TextPair{"p", ""}}, "response: empty"},
      {{"1", TextPair{"\xc0\x80", "r"}}, "prompt: not valid UTF-8"},
      {{"1", PlainText{""}}, "text: empty"},
      {{"1", TokenIds{{1}, 0}}, "token_ids: 1 ids"},
      {{"1", TokenIds{{1, 2}, 2}}, "prompt_tokens: 2 of 2"},
  };
  for (const BadSample& bad : cases) {
    const absl::Status status = CheckSample(bad.sample);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bad.message;
    EXPECT_THAT(std::string(status.message()), StartsWith(bad.message));
  }
  EXPECT_TRUE(CheckSample({"1", TextPair{"", "r"}}).ok());
  EXPECT_TRUE(CheckSample({"1", TokenIds{{1, 2}, 0}}).ok());
}

}  // namespace
}  // namespace headscope
