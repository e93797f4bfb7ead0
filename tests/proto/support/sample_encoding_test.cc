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
    const auto taken = TakeSampleRecord(kSampleEncoding, rest);
    ASSERT_TRUE(taken.ok()) << taken.status();
    EXPECT_EQ(*taken, sample);
  }
  EXPECT_TRUE(rest.empty());
}

// The digest names datasets for good: the bytes must never change.
TEST(SampleEncodingTest, BytesAreFixed) {
  std::string bytes = DatasetHeader();
  AppendSampleRecord({"1", TokenIds{{7, 8}, 1}}, bytes);
  EXPECT_EQ(ToHex(bytes),
            "48534453"
            "02000000"
            "1d000000"
            "01000000"
            "31"
            "02000000"
            "01000000"
            "02000000"
            "07000000"
            "08000000"
            "00000000");
}

// Stored so by the first release, whose datasets keep their names.
TEST(SampleEncodingTest, TheFirstVersionIsRead) {
  const std::string stored(
      "\x19\0\0\0\x01\0\0\0"
      "1\x02\0\0\0\x01\0\0\0\x02\0\0\0\x07\0\0\0\x08\0\0\0",
      29);
  ASSERT_TRUE(EncodingOf(stored).ok());
  EXPECT_EQ(*EncodingOf(stored), SampleEncoding::kV1);
  EXPECT_EQ(FirstRecord(SampleEncoding::kV1), 0u);
  std::string_view rest = stored;
  const auto sample = TakeSampleRecord(SampleEncoding::kV1, rest);
  ASSERT_TRUE(sample.ok()) << sample.status();
  EXPECT_EQ(*sample, (Sample{"1", TokenIds{{7, 8}, 1}}));
  EXPECT_TRUE(rest.empty());
  rest = stored;
  EXPECT_EQ(TakeSampleRecord(SampleEncoding::kV2, rest).status().code(), absl::StatusCode::kDataLoss);
}

TEST(SampleEncodingTest, ADatasetSaysItsVersion) {
  const std::string header = DatasetHeader();
  ASSERT_EQ(header.size(), kDatasetHeaderBytes);
  EXPECT_EQ(*EncodingOf(header + "records"), SampleEncoding::kV2);
  EXPECT_EQ(FirstRecord(SampleEncoding::kV2), header.size());
  EXPECT_EQ(*EncodingOf(""), SampleEncoding::kV1);
  EXPECT_EQ(EncodingOf(header.substr(0, 7)).status().code(), absl::StatusCode::kDataLoss);
  std::string later = header;
  later[4] = 3;
  EXPECT_EQ(EncodingOf(later).status().code(), absl::StatusCode::kFailedPrecondition);
}

// The magic, read as the length of a record of the first version.
TEST(SampleEncodingTest, NoDatasetOfTheFirstVersionBeginsWithTheMagic) {
  const std::string header = DatasetHeader();
  std::uint64_t length = 0;
  for (int i = 3; i >= 0; --i) length = length << 8 | static_cast<unsigned char>(header[i]);
  EXPECT_GT(length, std::uint64_t{kMaxMessageBytes});
}

TEST(SampleEncodingTest, APartOfALaterReleaseIsRefusedByItsTag) {
  std::string bytes;
  AppendSampleRecord({"1", PlainText{"x"}}, bytes);
  bytes[0] += 8;
  bytes[bytes.size() - 4] = 1;
  bytes += std::string("\x02\0\0\0\0\0\0\0", 8);
  std::string_view rest = bytes;
  const absl::Status status = TakeSampleRecord(kSampleEncoding, rest).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("tag 2"));
}

TEST(SampleEncodingTest, EveryTruncationIsRefused) {
  std::string bytes;
  AppendSampleRecord({"id", TextPair{"prompt", "response"}}, bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    std::string_view cut = std::string_view(bytes).substr(0, size);
    EXPECT_EQ(TakeSampleRecord(kSampleEncoding, cut).status().code(), absl::StatusCode::kDataLoss) << size;
  }
}

TEST(SampleEncodingTest, ClaimedIdCountBeyondTheRecordIsRefused) {
  std::string bytes;
  AppendSampleRecord({"1", TokenIds{{7, 8}, 1}}, bytes);
  bytes[17] = '\x7f';  // number of ids
  std::string_view view = bytes;
  EXPECT_EQ(TakeSampleRecord(kSampleEncoding, view).status().code(), absl::StatusCode::kDataLoss);
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
