#include "server/analysis/statistics/similarity_inference.h"

#include <cmath>
#include <limits>

namespace headscope::server {
namespace {

constexpr std::uint64_t kStream = 0x73696d;
constexpr double kEqual = 1e-12;

double SimilarityOf(const Comparison& comparison, const PatternMatrix& left, const PatternMatrix& right,
                    const SimilarityOptions& options) {
  return Similarity(comparison, Prepare(comparison, left, options), Prepare(comparison, right, options), options);
}

}  // namespace

absl::StatusOr<Interval> HeadInterval(const Comparison& comparison, const PatternMatrix& left,
                                      const PatternMatrix& right, const SimilarityOptions& options,
                                      const Bootstrap& bootstrap, const KeepOn& keep_on) {
  RandomStream random(bootstrap.seed, kStream);
  std::vector<double> values;
  for (std::uint32_t i = 0; i < bootstrap.resamples; ++i) {
    if (absl::Status status = keep_on(); !status.ok()) return status;
    const std::vector<std::uint32_t> from = ResampledHeads(left, random);
    values.push_back(SimilarityOf(comparison, Taken(left, from), Taken(right, from), options));
  }
  return PercentileInterval(std::move(values), bootstrap.level);
}

absl::StatusOr<Interval> SampleInterval(const Comparison& comparison, const ResampledPatterns& left,
                                        const ResampledPatterns& right, const SimilarityOptions& options, double level,
                                        const KeepOn& keep_on) {
  std::vector<double> values;
  for (std::uint32_t i = 0; i < left.resamples; ++i) {
    if (absl::Status status = keep_on(); !status.ok()) return status;
    values.push_back(SimilarityOf(comparison, left.At(i), right.At(i), options));
  }
  return PercentileInterval(std::move(values), level);
}

absl::StatusOr<double> PermutationPValue(const Comparison& comparison, const PatternMatrix& left,
                                         const PatternMatrix& right, const SimilarityOptions& options,
                                         const Permutation& permutation, const KeepOn& keep_on) {
  // The same numbers whichever comes first.
  if (right.values < left.values) return PermutationPValue(comparison, right, left, options, permutation, keep_on);
  const PreparedPattern prepared = Prepare(comparison, left, options);
  const double observed = Similarity(comparison, prepared, Prepare(comparison, right, options), options);
  if (std::isnan(observed)) return observed;
  RandomStream random(permutation.seed, kStream);
  const double sign = IsDistance(comparison.measure) ? -1 : 1;
  const double tolerance = kEqual * std::max(std::fabs(observed), std::numeric_limits<double>::min());
  std::uint32_t hits = 0;
  for (std::uint32_t i = 0; i < permutation.permutations; ++i) {
    if (absl::Status status = keep_on(); !status.ok()) return status;
    const PatternMatrix shuffled = Taken(right, ShuffledHeads(right, permutation.shuffle, random));
    const double value = Similarity(comparison, prepared, Prepare(comparison, shuffled, options), options);
    if (sign * (value - observed) >= -tolerance) ++hits;
  }
  return (1.0 + hits) / (1.0 + permutation.permutations);
}

}  // namespace headscope::server
