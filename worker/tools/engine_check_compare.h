// An engine's results against a golden case's.
#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "worker/model/engine.h"
#include "worker/tools/engine_check_golden.h"

namespace headscope::worker {

// Largest |difference| over all samples, layers and heads, relative to the largest |value| of the sample's expected
// matrix (`signed_scores`, `zero_ablation`), of the expected pattern, or to the expected objective.
struct GoldenErrors {
  double signed_scores = 0;
  double pattern = 0;
  double objective = 0;
  // Absent where the case has none.
  std::optional<double> zero_ablation;
};

// What system.md section 4 allows.
inline constexpr double kScoreTolerance = 1e-5;
inline constexpr double kAblationTolerance = 1e-4;

bool WithinTolerance(const GoldenErrors& errors);

// Runs the method `gradient` and every single-head ablation of `golden` on `engine`, all samples in one batch or one
// sample a batch. Errors: those of the engine; INVALID_ARGUMENT when the case's matrices are not [layers][heads].
absl::StatusOr<GoldenErrors> CompareWithGolden(const GoldenCase& golden, std::int64_t layers, std::int64_t heads,
                                               bool one_batch, Engine& engine);

// Largest |actual - expected| over the largest |expected|. The matrices have one shape.
double RelativeError(const HeadMatrix& actual, const HeadMatrix& expected);

// Sum of D per head of one sample of a method's result, [layers][heads].
HeadMatrix SignedScores(const std::vector<float>& prompt_signed, const std::vector<float>& response_signed,
                        std::int64_t sample, std::int64_t layers, std::int64_t heads);

}  // namespace headscope::worker
