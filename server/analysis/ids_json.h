// The ids of scored samples as one JSON array of strings, written piece by piece.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/analysis/sample_ids.h"
#include "server/store/blob_store.h"
#include "server/store/job_store.h"

namespace headscope::server {

// Thread-compatible.
class IdsJson {
 public:
  // Both outlive this. `shards` in dataset order.
  IdsJson(BlobReader& dataset, const std::vector<ResultShard>& shards) : ids_(dataset), shards_(shards) {}

  // Bytes of the whole array, by reading it all.
  static absl::StatusOr<std::uint64_t> Measure(BlobReader& dataset, const std::vector<ResultShard>& shards);
  // The next `max_bytes` of the array, fewer only at its end; empty after it.
  absl::StatusOr<std::string> Next(std::size_t max_bytes);

 private:
  // Appends the next id with what stands before it, or the closing bracket.
  absl::Status Advance();

  SampleIds ids_;
  const std::vector<ResultShard>& shards_;
  std::size_t shard_ = 0;
  std::size_t row_ = 0;
  bool opened_ = false;
  bool closed_ = false;
  // Made and not yet handed out.
  std::string pending_;
};

}  // namespace headscope::server
