// How alike patterns are.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "server/analysis/statistics/kendall.h"
#include "server/analysis/statistics/pattern_matrix.h"
#include "server/analysis/statistics/rank_biased_overlap.h"
#include "server/analysis/statistics/ranks.h"

namespace headscope::server {

// Over the n entries x, y of two patterns. All are symmetric, and unchanged when both patterns' heads are permuted
// alike. All but kMse are unchanged when a pattern is multiplied by a positive number.
enum class Measure {
  // Correlation of values. NaN when either is constant.
  kPearson,
  // Pearson's of average ranks. NaN when either is constant.
  kSpearman,
  // (concordant - discordant) over the geometric mean of the pairs not tied in x and in y. NaN when either is constant.
  kKendallTauB,
  // <x, y> / (|x| |y|). NaN when either is all 0.
  kCosine,
  // Mean of (x - y)^2.
  kMse,
  // |X and Y| / k of the first k heads of each; equal values in order of layer and head.
  kTopKOverlap,
  // |X and Y| / |X or Y| of the same.
  kTopKJaccard,
  // rank_biased_overlap.h.
  kRankBiasedOverlap,
};

// A measure of the patterns as they are, or after every layer's mean was taken away from each: without the trend along
// depth, which alone makes different tasks correlate.
struct Comparison {
  Measure measure = Measure::kPearson;
  bool without_layer_means = false;
  friend bool operator==(const Comparison&, const Comparison&) = default;
};

struct SimilarityOptions {
  // 1 to n.
  std::uint32_t top_k = 1;
  // In (0, 1).
  double rbo_p = 0.9;
  // Of the measures that look at first heads.
  HeadOrder order = HeadOrder::kValue;
};

// Whether more means less alike.
constexpr bool IsDistance(Measure measure) { return measure == Measure::kMse; }

// What one comparison needs of one pattern, made once.
struct PreparedPattern {
  // Whether the comparison with this pattern is defined at all.
  bool defined = true;
  // Measures that are inner products: centred and normalised; kMse: as they are.
  std::vector<double> values;
  KendallRanks kendall;
  OverlapRanks overlap;
  // kTopK...: one bit for every entry.
  std::vector<std::uint64_t> members;
};

PreparedPattern Prepare(const Comparison& comparison, const PatternMatrix& pattern, const SimilarityOptions& options);
// Both prepared for `comparison`.
double Similarity(const Comparison& comparison, const PreparedPattern& left, const PreparedPattern& right,
                  const SimilarityOptions& options);

// [patterns, patterns], row-major, symmetric. The diagonal is exactly 1 (kMse: 0), or NaN where it is not defined.
absl::StatusOr<std::vector<double>> SimilarityMatrix(const Comparison& comparison,
                                                     const std::vector<PatternMatrix>& patterns,
                                                     const SimilarityOptions& options, const KeepOn& keep_on);

// What two unrelated orders of n heads give on average: k / n for the overlap, the mean of o / (2k - o) over the
// hypergeometric distribution of o for Jaccard.
double OverlapByChance(std::uint32_t top_k, std::uint64_t heads);
double JaccardByChance(std::uint32_t top_k, std::uint64_t heads);

}  // namespace headscope::server
