// From planes to a pattern: the reductions of headscope.v1.Reduction, in float64 and in dataset order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/analysis/running_moments.h"
#include "server/jobs/options.h"
#include "server/jobs/scores.h"

namespace headscope::server {

// Planes of the method `gradient`: D = <z, dL/dz> and |D|, each summed over prompt and over response query positions.
inline constexpr char kPromptSigned[] = "prompt_signed";
inline constexpr char kResponseSigned[] = "response_signed";
inline constexpr char kPromptAbsolute[] = "prompt_absolute";
inline constexpr char kResponseAbsolute[] = "response_absolute";

// Shape of the stored planes' last two axes.
struct HeadShape {
  std::uint32_t layers = 0;
  // Query heads.
  std::uint32_t heads = 0;
  // Key-value heads; 0 when they are not known.
  std::uint32_t kv_heads = 0;
};

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

// Whether the planes determine this reduction: KV groups of per-token absolute values they do not.
// INVALID_ARGUMENT / BAD_REDUCTION.
absl::Status CheckReduction(const ReductionOptions& options);

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
  PatternAccumulator(const ReductionOptions& options, const HeadShape& shape);
  absl::Status Check(const ScoreBlock& block) const;
  std::vector<const std::vector<float>*> PlanesOf(const ScoreBlock& block) const;
  // Fills `sample_` with the scores of sample `row`, before its loss scale.
  void Reduce(const std::vector<const std::vector<float>*>& planes, std::size_t row);
  void Take(std::uint32_t response_tokens);
  void CloseBatch();
  void NormaliseLayers(ReducedPattern& pattern) const;

  ReductionOptions options_;
  HeadShape shape_;
  // Names of the planes that are summed.
  std::vector<std::string> planes_;
  // Columns of the pattern, and query heads in each.
  std::uint32_t columns_;
  std::uint32_t group_;

  std::vector<double> sample_;
  RunningMoments total_;
  // The open batch of LossScale::kBatchTokenMean, each sample times its own response tokens.
  RunningMoments batch_;
  std::uint64_t batch_response_tokens_ = 0;
  std::uint64_t tokens_ = 0;
  std::uint64_t response_tokens_ = 0;
  std::optional<std::uint32_t> last_sample_;
};

}  // namespace headscope::server
