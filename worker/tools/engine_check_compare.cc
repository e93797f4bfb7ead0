#include "worker/tools/engine_check_compare.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "worker/attribution/method.h"

namespace headscope::worker {
namespace {

bool HasShape(const HeadMatrix& matrix, std::int64_t layers, std::int64_t heads) {
  return static_cast<std::int64_t>(matrix.size()) == layers &&
         std::all_of(matrix.begin(), matrix.end(),
                     [&](const auto& row) { return static_cast<std::int64_t>(row.size()) == heads; });
}

HeadMatrix Zeros(std::int64_t layers, std::int64_t heads) {
  return HeadMatrix(layers, std::vector<double>(heads, 0.0));
}

const std::vector<float>& PlaneNamed(const BatchScores& scores, std::string_view name) {
  return std::find_if(scores.planes.begin(), scores.planes.end(),
                      [&](const Plane& plane) { return plane.name == name; })
      ->values;
}

// The case's samples, all in one batch or one by one.
std::vector<std::vector<GoldenSample>> Split(const std::vector<GoldenSample>& samples, bool one_batch) {
  if (one_batch) return {samples};
  std::vector<std::vector<GoldenSample>> parts;
  for (const GoldenSample& sample : samples) parts.push_back({sample});
  return parts;
}

// Effects [sample] -> [layers][heads] of zeroing each head of each sample of `batch`.
absl::StatusOr<std::vector<HeadMatrix>> Ablate(const PackedBatch& batch, std::int64_t layers, std::int64_t heads,
                                               Engine& engine) {
  const absl::StatusOr<std::vector<double>> clean = engine.Objectives(batch, {}, nullptr);
  if (!clean.ok()) return clean.status();
  std::vector<HeadMatrix> effects(batch.size(), Zeros(layers, heads));
  for (std::int64_t head = 0; head < layers * heads; ++head) {
    HeadGates gates(batch.size() * layers * heads, 1.0f);
    for (std::int64_t sample = 0; sample < batch.size(); ++sample) gates[sample * layers * heads + head] = 0.0f;
    const absl::StatusOr<std::vector<double>> ablated = engine.Objectives(batch, gates, nullptr);
    if (!ablated.ok()) return ablated.status();
    for (std::int64_t sample = 0; sample < batch.size(); ++sample) {
      effects[sample][head / heads][head % heads] = (*ablated)[sample] - (*clean)[sample];
    }
  }
  return effects;
}

// Compares the samples of one batch, adding |score| / `total` to `pattern`.
absl::Status ComparePart(const std::vector<GoldenSample>& samples, std::int64_t layers, std::int64_t heads,
                         std::size_t total, Engine& engine, GoldenErrors* errors, HeadMatrix* pattern) {
  const absl::StatusOr<const Method*> method = FindMethod("gradient");
  if (!method.ok()) return method.status();
  const PackedBatch batch = BatchOf(samples);
  const absl::StatusOr<BatchScores> scores = (*method)->Score(engine, batch, layers, heads, nullptr);
  if (!scores.ok()) return scores.status();
  const bool has_ablation = !samples.front().zero_ablation.empty();
  const auto effects = has_ablation ? Ablate(batch, layers, heads, engine) : std::vector<HeadMatrix>();
  if (!effects.ok()) return effects.status();
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const HeadMatrix actual = SignedScores(PlaneNamed(*scores, "prompt_signed"), PlaneNamed(*scores, "response_signed"),
                                           static_cast<std::int64_t>(i), layers, heads);
    errors->signed_scores = std::max(errors->signed_scores, RelativeError(actual, samples[i].signed_scores));
    errors->objective = std::max(
        errors->objective, std::abs(scores->objective[i] - samples[i].objective) / std::abs(samples[i].objective));
    for (std::int64_t layer = 0; layer < layers; ++layer) {
      for (std::int64_t head = 0; head < heads; ++head) {
        (*pattern)[layer][head] += std::abs(actual[layer][head]) / static_cast<double>(total);
      }
    }
    if (!has_ablation) continue;
    errors->zero_ablation =
        std::max(errors->zero_ablation.value_or(0.0), RelativeError((*effects)[i], samples[i].zero_ablation));
  }
  return absl::OkStatus();
}

}  // namespace

bool WithinTolerance(const GoldenErrors& errors) {
  return errors.signed_scores <= kScoreTolerance && errors.pattern <= kScoreTolerance &&
         errors.objective <= kScoreTolerance && errors.zero_ablation.value_or(0.0) <= kAblationTolerance;
}

double RelativeError(const HeadMatrix& actual, const HeadMatrix& expected) {
  double largest = 0, difference = 0;
  for (std::size_t layer = 0; layer < expected.size(); ++layer) {
    for (std::size_t head = 0; head < expected[layer].size(); ++head) {
      largest = std::max(largest, std::abs(expected[layer][head]));
      const double distance = std::abs(actual[layer][head] - expected[layer][head]);
      // A NaN must not hide behind max.
      difference = std::isnan(distance) ? INFINITY : std::max(difference, distance);
    }
  }
  return largest > 0 ? difference / largest : difference;
}

HeadMatrix SignedScores(const std::vector<float>& prompt_signed, const std::vector<float>& response_signed,
                        std::int64_t sample, std::int64_t layers, std::int64_t heads) {
  HeadMatrix scores = Zeros(layers, heads);
  for (std::int64_t head = 0; head < layers * heads; ++head) {
    const std::int64_t at = sample * layers * heads + head;
    scores[head / heads][head % heads] = static_cast<double>(prompt_signed[at]) + response_signed[at];
  }
  return scores;
}

absl::StatusOr<GoldenErrors> CompareWithGolden(const GoldenCase& golden, std::int64_t layers, std::int64_t heads,
                                               bool one_batch, Engine& engine) {
  for (const GoldenSample& sample : golden.samples) {
    if (HasShape(sample.signed_scores, layers, heads) && HasShape(golden.pattern, layers, heads) &&
        (sample.zero_ablation.empty() || HasShape(sample.zero_ablation, layers, heads))) {
      continue;
    }
    return absl::InvalidArgumentError(absl::StrCat(golden.directory, ": expected values of sample ", sample.id,
                                                   " are not [", layers, "][", heads, "] as the model"));
  }
  GoldenErrors errors;
  HeadMatrix pattern = Zeros(layers, heads);
  for (const std::vector<GoldenSample>& part : Split(golden.samples, one_batch)) {
    const absl::Status status = ComparePart(part, layers, heads, golden.samples.size(), engine, &errors, &pattern);
    if (!status.ok()) return status;
  }
  errors.pattern = RelativeError(pattern, golden.pattern);
  return errors;
}

}  // namespace headscope::worker
