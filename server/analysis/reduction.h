// From planes to a pattern: the reductions of headscope.v1.Reduction, in float64 and in dataset order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/analysis/running_moments.h"
#include "server/analysis/sample_reducer.h"
#include "server/jobs/options.h"
#include "server/jobs/scores.h"

namespace headscope::server {

// A [layers, heads] matrix of mean scores, row-major.
struct ReducedPattern {
  std::uint32_t layers = 0;
  // Columns: query heads, or key-value heads with HeadAxis::kKvGroup.
  std::uint32_t heads = 0;
  std::vector<double> values;
  // Shape of `values`; absent for a single sample.
  std::optional<std::vector<double>> standard_error;
  std::uint64_t samples = 0;
  // Sums over the samples.
  std::uint64_t tokens = 0;
  std::uint64_t response_tokens = 0;
};

// Reduces samples as they come, holding a few [layers, heads] matrices and no sample. How the samples are cut into
// blocks changes no bit. Thread-compatible.
class PatternAccumulator {
 public:
  // INVALID_ARGUMENT / BAD_REDUCTION; FAILED_PRECONDITION / KV_HEADS_UNKNOWN for KV groups where `shape` does not say
  // how many there are.
  static absl::StatusOr<PatternAccumulator> Make(const ReductionOptions& options, const HeadShape& shape);

  // The next samples in dataset order. DATA_LOSS when the block has another shape, lacks a plane or goes back.
  absl::Status Add(const ScoreBlock& block);
  // FAILED_PRECONDITION when no sample was added. Ends the accumulation.
  absl::StatusOr<ReducedPattern> Finish();

 private:
  PatternAccumulator(const ReductionOptions& options, SampleReducer reducer);
  void Take(std::uint32_t response_tokens);
  void CloseBatch();

  ReductionOptions options_;
  SampleReducer reducer_;

  std::vector<double> sample_;
  RunningMoments total_;
  // The open batch of LossScale::kBatchTokenMean, each sample times its own response tokens.
  RunningMoments batch_;
  std::uint64_t batch_response_tokens_ = 0;
  std::uint64_t tokens_ = 0;
  std::uint64_t response_tokens_ = 0;
  std::optional<std::uint32_t> last_sample_;
};

// LayerNorm::kL2: each layer's values divided by their Euclidean norm plus 1e-20; `alongside` (may be null) by the
// same.
void NormaliseLayers(std::uint32_t layers, std::vector<double>& values, std::vector<double>* alongside);

}  // namespace headscope::server
