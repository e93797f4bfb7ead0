#include "server/analysis/statistics/similarity.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "server/analysis/statistics/kendall_matrix.h"
#include "server/analysis/statistics/vector_math.h"

namespace headscope::server {
namespace {

constexpr double kNotDefined = std::numeric_limits<double>::quiet_NaN();
// Pairs of so many patterns are done together: their values stay in the cache.
constexpr std::size_t kTile = 32;

std::vector<std::uint64_t> FirstHeads(const std::vector<double>& values, const SimilarityOptions& options) {
  const std::vector<std::uint32_t> heads = HeadsInOrder(values, options.order);
  std::vector<std::uint64_t> members((values.size() + 63) / 64);
  for (std::uint32_t i = 0; i < options.top_k; ++i) members[heads[i] / 64] |= std::uint64_t{1} << (heads[i] % 64);
  return members;
}

double CommonHeads(const PreparedPattern& left, const PreparedPattern& right) {
  int common = 0;
  for (std::size_t i = 0; i < left.members.size(); ++i) common += std::popcount(left.members[i] & right.members[i]);
  return common;
}

double MeanSquaredDifference(const PreparedPattern& left, const PreparedPattern& right) {
  const auto difference = View(left.values) - View(right.values);
  return difference.squaredNorm() / static_cast<double>(left.values.size());
}

double LogBinomial(double n, double k) { return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1); }

// Symmetric, with the similarity of each with each and `same` of each with itself.
template <typename SimilarityOf>
absl::StatusOr<std::vector<double>> FillMatrix(const std::vector<PreparedPattern>& prepared, const KeepOn& keep_on,
                                               double same, SimilarityOf similarity_of) {
  const std::size_t n = prepared.size();
  std::vector<double> matrix(n * n);
  const auto fill = [&](std::size_t row, std::size_t column) {
    double value = prepared[row].defined ? same : kNotDefined;
    if (row != column) value = similarity_of(row, column);
    matrix[row * n + column] = value;
    matrix[column * n + row] = value;
  };
  for (std::size_t rows = 0; rows < n; rows += kTile) {
    if (absl::Status status = keep_on(); !status.ok()) return status;
    for (std::size_t columns = rows; columns < n; columns += kTile) {
      for (std::size_t row = rows; row < std::min(rows + kTile, n); ++row) {
        for (std::size_t column = std::max(columns, row); column < std::min(columns + kTile, n); ++column) {
          fill(row, column);
        }
      }
    }
  }
  return matrix;
}

absl::StatusOr<std::vector<double>> KendallMatrix(const std::vector<PreparedPattern>& prepared, const KeepOn& keep_on) {
  std::vector<const KendallRanks*> ranks;
  ranks.reserve(prepared.size());
  for (const PreparedPattern& pattern : prepared) ranks.push_back(&pattern.kendall);
  const auto counts = CountPairsOfEach(ranks, keep_on);
  if (!counts.ok()) return counts.status();
  return FillMatrix(prepared, keep_on, 1, [&](std::size_t row, std::size_t column) {
    return KendallTauB(*ranks[row], *ranks[column], (*counts)[row * ranks.size() + column]);
  });
}

}  // namespace

PreparedPattern Prepare(const Comparison& comparison, const PatternMatrix& pattern, const SimilarityOptions& options) {
  PreparedPattern prepared;
  std::vector<double> values = comparison.without_layer_means ? WithoutLayerMeans(pattern).values : pattern.values;
  if (comparison.measure != Measure::kMse) BringNearOne(values);
  switch (comparison.measure) {
    case Measure::kSpearman:
      values = AverageRanks(values);
      [[fallthrough]];
    case Measure::kPearson:
      Centre(values);
      [[fallthrough]];
    case Measure::kCosine:
      prepared.defined = Normalise(values);
      [[fallthrough]];
    case Measure::kMse:
      prepared.values = std::move(values);
      break;
    case Measure::kKendallTauB:
      prepared.defined = !IsConstant(values);
      prepared.kendall = RanksForKendall(values);
      break;
    case Measure::kTopKOverlap:
    case Measure::kTopKJaccard:
      prepared.members = FirstHeads(values, options);
      break;
    case Measure::kRankBiasedOverlap:
      prepared.overlap = RanksForOverlap(CompetitionRanks(values, options.order), options.rbo_p);
      break;
  }
  return prepared;
}

double Similarity(const Comparison& comparison, const PreparedPattern& left, const PreparedPattern& right,
                  const SimilarityOptions& options) {
  if (!left.defined || !right.defined) return kNotDefined;
  switch (comparison.measure) {
    case Measure::kPearson:
    case Measure::kSpearman:
    case Measure::kCosine:
      return std::clamp(View(left.values).dot(View(right.values)), -1.0, 1.0);
    case Measure::kKendallTauB:
      return KendallTauB(left.kendall, right.kendall);
    case Measure::kMse:
      return MeanSquaredDifference(left, right);
    case Measure::kTopKOverlap:
      return CommonHeads(left, right) / options.top_k;
    case Measure::kTopKJaccard: {
      const double common = CommonHeads(left, right);
      return common / (2.0 * options.top_k - common);
    }
    case Measure::kRankBiasedOverlap:
      return RankBiasedOverlap(left.overlap, right.overlap, options.rbo_p);
  }
  return kNotDefined;
}

absl::StatusOr<std::vector<double>> SimilarityMatrix(const Comparison& comparison,
                                                     const std::vector<PatternMatrix>& patterns,
                                                     const SimilarityOptions& options, const KeepOn& keep_on) {
  std::vector<PreparedPattern> prepared;
  prepared.reserve(patterns.size());
  for (const PatternMatrix& pattern : patterns) prepared.push_back(Prepare(comparison, pattern, options));
  if (comparison.measure == Measure::kKendallTauB) return KendallMatrix(prepared, keep_on);
  return FillMatrix(prepared, keep_on, IsDistance(comparison.measure) ? 0 : 1,
                    [&](std::size_t row, std::size_t column) {
                      return Similarity(comparison, prepared[row], prepared[column], options);
                    });
}

double OverlapByChance(std::uint32_t top_k, std::uint64_t heads) { return top_k / static_cast<double>(heads); }

double JaccardByChance(std::uint32_t top_k, std::uint64_t heads) {
  const double k = top_k;
  const auto n = static_cast<double>(heads);
  double mean = 0;
  for (double common = std::max(0.0, 2 * k - n); common <= k; ++common) {
    const double chance = LogBinomial(k, common) + LogBinomial(n - k, k - common) - LogBinomial(n, k);
    mean += std::exp(chance) * common / (2 * k - common);
  }
  return mean;
}

}  // namespace headscope::server
