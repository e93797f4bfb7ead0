// The ids of chosen samples, out of a stored dataset and without its texts.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/store/blob_store.h"

namespace headscope::server {

// Walks a dataset's records (proto/support/sample_encoding.h, any version) from front to back, reading their heads in
// pieces and jumping over what is long. Thread-compatible.
class SampleIds {
 public:
  // `dataset` outlives this.
  explicit SampleIds(BlobReader& dataset) : dataset_(dataset) {}

  // The id of the sample at `index` (0-based), which is greater than that of the previous call. DATA_LOSS when the
  // dataset ends before it or is damaged.
  absl::StatusOr<std::string> At(std::uint32_t index);

 private:
  // Moves past the dataset's header, if it has one.
  absl::Status SkipHeader();
  // The id of the next record; moves past the record.
  absl::StatusOr<std::string> Next();
  // `length` bytes at `offset` of the dataset; valid until the next call.
  absl::StatusOr<std::string_view> View(std::uint64_t offset, std::uint64_t length);

  BlobReader& dataset_;
  // Number and place of the record that comes next.
  std::uint64_t next_index_ = 0;
  std::uint64_t offset_ = 0;
  std::string window_;
  std::uint64_t window_offset_ = 0;
};

}  // namespace headscope::server
