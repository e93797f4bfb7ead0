// Every scored sample of a job on its own, under a reduction.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "server/analysis/sample_reducer.h"
#include "server/jobs/options.h"
#include "server/jobs/scores.h"
#include "server/store/blob_store.h"
#include "server/store/job_store.h"

namespace headscope::server {

// Samples in dataset order, each times its loss scale: their mean, then normed by layer, is the job's pattern. Memory:
// one shard. Reads block. Thread-compatible.
class JobSamples {
 public:
  // `blobs` outlives this; `shards` in dataset order, at least one; `kv_heads` 0: not known. Errors as
  // SampleReducer::Make; DATA_LOSS and NOT_FOUND when stored bytes are damaged or gone.
  static absl::StatusOr<JobSamples> Open(BlobStore& blobs, std::vector<ResultShard> shards,
                                         const ReductionOptions& reduction, std::uint32_t kv_heads);

  // Moves to the next sample, at first to the first; false after the last.
  absl::StatusOr<bool> Next();
  // Of the present sample: [layers, columns], and its position in the dataset.
  const std::vector<double>& scores() const { return scores_; }
  std::uint32_t index() const { return block_.samples[row_]; }

  std::uint64_t count() const { return count_; }
  std::uint32_t layers() const { return reducer_->layers(); }
  std::uint32_t columns() const { return reducer_->columns(); }

 private:
  JobSamples(BlobStore& blobs, std::vector<ResultShard> shards, const ReductionOptions& reduction)
      : blobs_(&blobs), shards_(std::move(shards)), reduction_(reduction) {}

  // Response tokens of each batch of LossScale::kBatchTokenMean.
  absl::Status CountBatches();
  absl::Status ReadShard();
  double LossScaleOf(std::uint32_t response_tokens) const;

  BlobStore* blobs_;
  std::vector<ResultShard> shards_;
  ReductionOptions reduction_;
  std::optional<SampleReducer> reducer_;
  std::uint64_t count_ = 0;
  std::vector<std::uint64_t> batch_tokens_;

  // Which shard was read last, and where the present sample stands.
  std::size_t next_shard_ = 0;
  ScoreBlock block_;
  SampleReducer::Planes planes_;
  std::size_t row_ = 0;
  std::uint64_t taken_ = 0;
  std::vector<double> scores_;
};

// Reads one stored shard and checks its digest.
absl::StatusOr<ScoreBlock> ReadScores(BlobStore& blobs, const ResultShard& shard);

}  // namespace headscope::server
