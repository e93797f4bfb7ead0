#include "server/analysis/statistics/kendall.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "server/analysis/statistics/ranks.h"

namespace headscope::server {
namespace {

std::uint64_t PairsAmong(std::uint64_t n) { return n * (n - 1) / 2; }

// Pairs (i < j) with values[i] > values[j]; sorts `values`. `spare` has the same size.
std::uint64_t CountInversions(std::vector<std::uint32_t>& values, std::vector<std::uint32_t>& spare) {
  std::uint64_t inversions = 0;
  for (std::size_t width = 1; width < values.size(); width *= 2) {
    for (std::size_t begin = 0; begin < values.size(); begin += 2 * width) {
      const std::size_t middle = std::min(begin + width, values.size());
      const std::size_t end = std::min(begin + 2 * width, values.size());
      std::size_t left = begin;
      std::size_t right = middle;
      for (std::size_t out = begin; out < end; ++out) {
        if (right == end || (left < middle && values[left] <= values[right])) {
          spare[out] = values[left++];
        } else {
          spare[out] = values[right++];
          inversions += middle - left;
        }
      }
    }
    values.swap(spare);
  }
  return inversions;
}

}  // namespace

KendallRanks RanksForKendall(const std::vector<double>& values) {
  KendallRanks ranks;
  ranks.order = AscendingOrder(values);
  ranks.rank.resize(values.size());
  std::uint32_t rank = 0;
  std::uint64_t equal = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0 && values[ranks.order[i]] != values[ranks.order[i - 1]]) {
      ranks.tied_pairs += PairsAmong(equal);
      equal = 0;
      ++rank;
    }
    ranks.rank[ranks.order[i]] = rank;
    ++equal;
  }
  ranks.tied_pairs += PairsAmong(equal);
  return ranks;
}

double KendallTauB(const KendallRanks& left, const KendallRanks& right) {
  const std::size_t n = left.order.size();
  const std::uint64_t pairs = PairsAmong(n);
  if (left.tied_pairs == pairs || right.tied_pairs == pairs) return std::numeric_limits<double>::quiet_NaN();
  // The right ranks in order of the left ones; among equal left ones ascending, so that none of those pairs counts.
  std::vector<std::uint32_t> ranks(n);
  for (std::size_t i = 0; i < n; ++i) ranks[i] = right.rank[left.order[i]];
  std::uint64_t tied_in_both = 0;
  for (std::size_t begin = 0; begin < n;) {
    std::size_t end = begin + 1;
    while (end < n && left.rank[left.order[end]] == left.rank[left.order[begin]]) ++end;
    if (end - begin > 1) {
      std::sort(ranks.begin() + std::ptrdiff_t(begin), ranks.begin() + std::ptrdiff_t(end));
      for (std::size_t i = begin, same = 1; i + 1 < end; ++i) {
        same = ranks[i + 1] == ranks[i] ? same + 1 : 1;
        tied_in_both += same - 1;
      }
    }
    begin = end;
  }
  std::vector<std::uint32_t> spare(n);
  const auto discordant = static_cast<double>(CountInversions(ranks, spare));
  const auto untied = static_cast<double>(pairs - left.tied_pairs - right.tied_pairs + tied_in_both);
  const double scale = std::sqrt(static_cast<double>(pairs - left.tied_pairs)) *
                       std::sqrt(static_cast<double>(pairs - right.tied_pairs));
  return std::clamp((untied - 2 * discordant) / scale, -1.0, 1.0);
}

}  // namespace headscope::server
