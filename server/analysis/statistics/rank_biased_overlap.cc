#include "server/analysis/statistics/rank_biased_overlap.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "server/analysis/statistics/vector_math.h"

namespace headscope::server {
namespace {

// ranks: 1 .. n, each once?
bool AreDistinct(const std::vector<std::uint32_t>& ranks) {
  std::vector<bool> seen(ranks.size() + 1);
  for (const std::uint32_t rank : ranks) {
    if (seen[rank]) return false;
    seen[rank] = true;
  }
  return true;
}

// By depths, of which each adds its agreement.
double WithTies(const std::vector<std::uint32_t>& left, const std::vector<std::uint32_t>& right, double p) {
  const std::size_t n = left.size();
  // By depth: heads that enter left, right and both.
  std::vector<std::uint32_t> enters_left(n + 1), enters_right(n + 1), enters_both(n + 1);
  for (std::size_t i = 0; i < n; ++i) {
    ++enters_left[left[i]];
    ++enters_right[right[i]];
    ++enters_both[std::max(left[i], right[i])];
  }
  double in_left = 0;
  double in_right = 0;
  double in_both = 0;
  double agreement = 0;
  double sum = 0;
  double weight = 1;
  // weight: p^(depth - 1), p^n in the end.
  for (std::size_t depth = 1; depth <= n; ++depth, weight *= p) {
    in_left += enters_left[depth];
    in_right += enters_right[depth];
    in_both += enters_both[depth];
    agreement = 2 * in_both / (in_left + in_right);
    sum += (1 - p) * weight * agreement;
  }
  return std::min(agreement * weight + sum, 1.0);
}

}  // namespace

OverlapRanks RanksForOverlap(std::vector<std::uint32_t> ranks, double p) {
  OverlapRanks made;
  made.rank = std::move(ranks);
  if (!AreDistinct(made.rank)) return made;
  const std::size_t n = made.rank.size();
  std::vector<double> from_depth(n + 1);
  double weight = 1 - p;
  for (std::size_t depth = 1; depth <= n; ++depth, weight *= p) from_depth[depth] = weight / static_cast<double>(depth);
  for (std::size_t depth = n; depth > 1; --depth) from_depth[depth - 1] += from_depth[depth];
  made.share.reserve(n);
  for (const std::uint32_t rank : made.rank) made.share.push_back(from_depth[rank]);
  return made;
}

double RankBiasedOverlap(const OverlapRanks& left, const OverlapRanks& right, double p) {
  if (left.share.empty() || right.share.empty()) return WithTies(left.rank, right.rank, p);
  // The later of two depths has the smaller share; all heads are in both in the end.
  const double at_the_end = std::pow(p, static_cast<double>(left.share.size()));
  return std::min(at_the_end + View(left.share).cwiseMin(View(right.share)).sum(), 1.0);
}

}  // namespace headscope::server
