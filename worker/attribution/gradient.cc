#include "worker/attribution/gradient.h"

#include <cmath>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace headscope::worker {
namespace {

// Indices into PlaneNames.
enum : int { kPromptAbsolute, kPromptSigned, kResponseAbsolute, kResponseSigned, kPlanes };

// One sample's one head: the four sums, accumulated in float64.
struct HeadSums {
  double signed_prompt = 0, absolute_prompt = 0, signed_response = 0, absolute_response = 0;
};

// d [length] of one sample and head.
HeadSums Sum(const float* d, std::int64_t length, std::int64_t prompt_tokens) {
  HeadSums sums;
  for (std::int64_t query = 0; query < length; ++query) {
    const double value = d[query];
    (query < prompt_tokens ? sums.signed_prompt : sums.signed_response) += value;
    (query < prompt_tokens ? sums.absolute_prompt : sums.absolute_response) += std::abs(value);
  }
  return sums;
}

// `what` of a sample is not finite. Alone in its batch a sample needs no number.
absl::Status NotFinite(std::int64_t sample, std::int64_t samples, const std::string& what) {
  return absl::DataLossError(
      absl::StrCat(samples == 1 ? "" : absl::StrCat("sample ", sample, " of the batch: "), what,
                   "; either the weights hold infinities or NaN, or values grow beyond what the dtype can hold (then "
                   "--dtype float64 may help)"));
}

absl::Status CheckObjectives(const std::vector<double>& objective) {
  const auto samples = static_cast<std::int64_t>(objective.size());
  for (std::int64_t sample = 0; sample < samples; ++sample) {
    if (std::isfinite(objective[sample])) continue;
    return NotFinite(sample, samples,
                     absl::StrCat("the loss is ", objective[sample], ", so no score of any layer and head is finite"));
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<std::string> GradientMethod::PlaneNames() const {
  return {"prompt_absolute", "prompt_signed", "response_absolute", "response_signed"};
}

absl::StatusOr<BatchScores> GradientMethod::Score(Engine& engine, const PackedBatch& batch, std::int64_t layers,
                                                  std::int64_t heads, const CancelCheck& cancelled) const {
  absl::StatusOr<GateGradients> gradients = engine.Gradients(batch, cancelled);
  if (!gradients.ok()) return gradients.status();
  const absl::Status status = CheckObjectives(gradients->objective);
  if (!status.ok()) return status;
  if (static_cast<std::int64_t>(gradients->d.size()) != layers * heads * batch.tokens()) {
    return absl::InternalError(absl::StrCat("the engine gave ", gradients->d.size(), " values of D, expected ",
                                            layers * heads * batch.tokens()));
  }
  BatchScores scores;
  scores.objective = std::move(gradients->objective);
  for (std::string& name : PlaneNames()) {
    scores.planes.push_back({std::move(name), std::vector<float>(batch.size() * layers * heads)});
  }
  for (std::int64_t sample = 0; sample < batch.size(); ++sample) {
    for (std::int64_t row = 0; row < layers * heads; ++row) {
      const float* d = gradients->d.data() + row * batch.tokens() + batch.offsets[sample];
      const HeadSums sums = Sum(d, batch.Length(sample), batch.prompt_tokens[sample]);
      // Absolute sums are finite only if every D is, and bound the signed ones; float32 may still overflow.
      const std::int64_t at = sample * layers * heads + row;
      scores.planes[kPromptAbsolute].values[at] = static_cast<float>(sums.absolute_prompt);
      scores.planes[kPromptSigned].values[at] = static_cast<float>(sums.signed_prompt);
      scores.planes[kResponseAbsolute].values[at] = static_cast<float>(sums.absolute_response);
      scores.planes[kResponseSigned].values[at] = static_cast<float>(sums.signed_response);
      if (std::isfinite(scores.planes[kPromptAbsolute].values[at]) &&
          std::isfinite(scores.planes[kResponseAbsolute].values[at])) {
        continue;
      }
      return NotFinite(sample, batch.size(),
                       absl::StrCat("the score of layer ", row / heads, ", head ", row % heads, " is not finite"));
    }
  }
  return scores;
}

}  // namespace headscope::worker
