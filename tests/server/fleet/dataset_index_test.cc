#include "server/fleet/dataset_index.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/support/sample_encoding.h"
#include "proto/support/sha256.h"

namespace headscope::server {
namespace {

using ::testing::ElementsAre;

// Bytes in memory; counts what is read.
class MemoryReader : public BlobReader {
 public:
  MemoryReader(const std::string& bytes, std::uint64_t& read) : bytes_(bytes), read_(read) {}
  std::uint64_t size() const override { return bytes_.size(); }
  absl::StatusOr<std::string> Read(std::uint64_t offset, std::uint64_t length) override {
    if (offset + length > bytes_.size()) return absl::DataLossError("short");
    read_ += length;
    return bytes_.substr(offset, length);
  }

 private:
  const std::string& bytes_;
  std::uint64_t& read_;
};

class MemoryBlobs : public BlobStore {
 public:
  std::string Put(const std::string& bytes) {
    const std::string digest = ToHex(Sha256Of(bytes));
    blobs_[digest] = bytes;
    return digest;
  }
  absl::StatusOr<std::unique_ptr<BlobWriter>> Create() override { return absl::InternalError("read only"); }
  absl::StatusOr<std::unique_ptr<BlobReader>> Open(const std::string& digest) override {
    const auto found = blobs_.find(digest);
    if (found == blobs_.end()) return absl::NotFoundError(digest);
    return std::unique_ptr<BlobReader>(new MemoryReader(found->second, bytes_read));
  }
  absl::Status Remove(const std::string&) override { return absl::OkStatus(); }
  std::uint64_t stored_bytes() const override { return 0; }

  std::uint64_t bytes_read = 0;

 private:
  std::map<std::string, std::string> blobs_;
};

std::string Records(const std::vector<std::size_t>& text_sizes) {
  std::string bytes = DatasetHeader();
  for (std::size_t i = 0; i < text_sizes.size(); ++i) {
    AppendSampleRecord({absl::StrCat("s", i), PlainText{std::string(text_sizes[i], 'x')}}, bytes);
  }
  return bytes;
}

// The same as the first release stored it: no header, and records that end with their input.
std::string FirstVersion(const std::string& dataset) {
  std::string bytes;
  std::string_view rest = std::string_view(dataset).substr(kDatasetHeaderBytes);
  while (!rest.empty()) {
    const std::string_view before = rest;
    EXPECT_TRUE(TakeSampleRecord(kSampleEncoding, rest).ok());
    std::string record(before.substr(0, before.size() - rest.size() - sizeof(std::uint32_t)));
    const auto length = static_cast<std::uint32_t>(record.size() - sizeof(std::uint32_t));
    for (int i = 0; i < 4; ++i) record[i] = static_cast<char>(length >> (8 * i));
    bytes += record;
  }
  return bytes;
}

std::vector<std::string> Ids(const std::vector<Sample>& samples) {
  std::vector<std::string> ids;
  for (const Sample& sample : samples) ids.push_back(sample.id);
  return ids;
}

std::vector<std::string> ReadAll(BlobStore& blobs, DatasetIndexes& indexes, const std::string& digest,
                                 std::vector<std::uint32_t> samples, std::uint64_t max_bytes) {
  auto reader = SampleReader::Open(blobs, indexes, digest, std::move(samples));
  EXPECT_TRUE(reader.ok()) << reader.status();
  std::vector<std::string> ids;
  while (!(*reader)->done()) {
    const auto batch = (*reader)->Next(max_bytes);
    EXPECT_TRUE(batch.ok()) << batch.status();
    for (const std::string& id : Ids(*batch)) ids.push_back(id);
  }
  return ids;
}

TEST(DatasetIndexTest, ReadsChosenSamplesInTheirOrder) {
  MemoryBlobs blobs;
  DatasetIndexes indexes(blobs);
  const std::string digest = blobs.Put(Records({3, 900'000, 5, 7, 400'000, 1}));
  EXPECT_THAT(ReadAll(blobs, indexes, digest, {0, 2, 3, 5}, 1 << 20), ElementsAre("s0", "s2", "s3", "s5"));
  EXPECT_THAT(ReadAll(blobs, indexes, digest, {0, 1, 2, 3, 4, 5}, 1), ElementsAre("s0", "s1", "s2", "s3", "s4", "s5"));
}

TEST(DatasetIndexTest, ReadsADatasetOfTheFirstVersion) {
  MemoryBlobs blobs;
  DatasetIndexes indexes(blobs);
  const std::string digest = blobs.Put(FirstVersion(Records({3, 900'000, 5})));
  EXPECT_THAT(ReadAll(blobs, indexes, digest, {0, 1, 2}, 1 << 20), ElementsAre("s0", "s1", "s2"));
}

TEST(DatasetIndexTest, AnEncodingOfALaterReleaseIsSaid) {
  MemoryBlobs blobs;
  DatasetIndexes indexes(blobs);
  std::string later = Records({1});
  later[4] = 9;
  EXPECT_EQ(indexes.Get(blobs.Put(later)).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(DatasetIndexTest, NeighboursAreReadTogetherUpToTheLimit) {
  MemoryBlobs blobs;
  DatasetIndexes indexes(blobs);
  const std::string digest = blobs.Put(Records({100, 100, 100, 100}));
  auto reader = SampleReader::Open(blobs, indexes, digest, {0, 1, 2, 3});
  ASSERT_TRUE(reader.ok());
  EXPECT_THAT(Ids(*(*reader)->Next(300)), ElementsAre("s0", "s1"));
}

TEST(DatasetIndexTest, LongRecordsAreSkippedNotRead) {
  MemoryBlobs blobs;
  DatasetIndexes indexes(blobs);
  const std::string bytes = Records(std::vector<std::size_t>(8, 1'000'000));
  const std::string digest = blobs.Put(bytes);
  ASSERT_TRUE(indexes.Get(digest).ok());
  EXPECT_LT(blobs.bytes_read, bytes.size() / 2);
}

TEST(DatasetIndexTest, AnIndexIsBuiltOnceWhileItIsUsed) {
  MemoryBlobs blobs;
  DatasetIndexes indexes(blobs);
  const std::string digest = blobs.Put(Records({1, 2, 3}));
  ASSERT_EQ((*indexes.Get(digest))->sample_count(), 3u);
  const std::uint64_t once = blobs.bytes_read;
  ASSERT_TRUE(indexes.Get(digest).ok());
  EXPECT_EQ(blobs.bytes_read, once);
}

TEST(DatasetIndexTest, TheLeastUsedIndexMakesRoom) {
  MemoryBlobs blobs;
  DatasetIndexes indexes(blobs, /*max_bytes=*/1);
  const std::string first = blobs.Put(Records({1}));
  const std::string second = blobs.Put(Records({2}));
  ASSERT_TRUE(indexes.Get(first).ok());
  ASSERT_TRUE(indexes.Get(second).ok());
  const std::uint64_t before = blobs.bytes_read;
  ASSERT_TRUE(indexes.Get(first).ok());
  EXPECT_GT(blobs.bytes_read, before);
}

TEST(DatasetIndexTest, DamageIsNoticed) {
  MemoryBlobs blobs;
  DatasetIndexes indexes(blobs);
  std::string cut = Records({10, 10});
  cut.pop_back();
  EXPECT_EQ(indexes.Get(blobs.Put(cut)).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(indexes.Get(blobs.Put("ab")).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(SampleReader::Open(blobs, indexes, blobs.Put(Records({1})), {1}).status().code(),
            absl::StatusCode::kDataLoss);
}

TEST(DatasetIndexTest, AnEmptyDatasetHasNoSamples) {
  MemoryBlobs blobs;
  DatasetIndexes indexes(blobs);
  EXPECT_EQ((*indexes.Get(blobs.Put("")))->sample_count(), 0u);
  EXPECT_EQ((*indexes.Get(blobs.Put(DatasetHeader())))->sample_count(), 0u);
}

}  // namespace
}  // namespace headscope::server
