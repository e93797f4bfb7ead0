// Where the samples of a stored dataset begin, so that any of them is read without those before it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "proto/support/sample.h"
#include "proto/support/sample_encoding.h"
#include "server/store/blob_store.h"

namespace headscope::server {

// Encoding of a dataset blob (proto/support/sample_encoding.h) and offsets of its records, the blob's size last.
// Immutable.
class DatasetIndex {
 public:
  // Reads the lengths of all records, skipping what is long. DATA_LOSS when the blob is no dataset, FAILED_PRECONDITION
  // when it is in an encoding of a later release.
  static absl::StatusOr<DatasetIndex> Build(BlobReader& blob);

  SampleEncoding encoding() const { return encoding_; }
  std::uint64_t sample_count() const { return offsets_.size() - 1; }
  // `sample` < sample_count().
  std::uint64_t begin(std::uint64_t sample) const { return offsets_[sample]; }
  std::uint64_t end(std::uint64_t sample) const { return offsets_[sample + 1]; }
  std::size_t size_bytes() const { return offsets_.size() * sizeof(std::uint64_t); }

 private:
  DatasetIndex(SampleEncoding encoding, std::vector<std::uint64_t> offsets)
      : encoding_(encoding), offsets_(std::move(offsets)) {}

  SampleEncoding encoding_;
  std::vector<std::uint64_t> offsets_;
};

// Indexes in memory, the least recently used dropped beyond `max_bytes`. Thread-safe; blocks on files.
class DatasetIndexes {
 public:
  explicit DatasetIndexes(BlobStore& blobs, std::size_t max_bytes = std::size_t{256} << 20)
      : blobs_(blobs), max_bytes_(max_bytes) {}

  absl::StatusOr<std::shared_ptr<const DatasetIndex>> Get(const std::string& digest);

 private:
  using Entry = std::pair<std::string, std::shared_ptr<const DatasetIndex>>;

  BlobStore& blobs_;
  const std::size_t max_bytes_;

  absl::Mutex mutex_;
  // Most recently used first.
  std::list<Entry> entries_ ABSL_GUARDED_BY(mutex_);
  std::size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Reads chosen samples of one dataset, some at a time. Thread-compatible; blocks on files.
class SampleReader {
 public:
  // NOT_FOUND when the blob is gone; DATA_LOSS when a position is beyond the dataset.
  static absl::StatusOr<std::unique_ptr<SampleReader>> Open(BlobStore& blobs, DatasetIndexes& indexes,
                                                            const std::string& digest,
                                                            std::vector<std::uint32_t> samples);
  bool done() const { return next_ == samples_.size(); }
  // The next samples in order: at least one, and no more than `max_bytes` of records where more than one.
  absl::StatusOr<std::vector<Sample>> Next(std::uint64_t max_bytes);

 private:
  SampleReader(std::unique_ptr<BlobReader> blob, std::shared_ptr<const DatasetIndex> index,
               std::vector<std::uint32_t> samples)
      : blob_(std::move(blob)), index_(std::move(index)), samples_(std::move(samples)) {}

  std::unique_ptr<BlobReader> blob_;
  std::shared_ptr<const DatasetIndex> index_;
  std::vector<std::uint32_t> samples_;
  std::size_t next_ = 0;
};

}  // namespace headscope::server
