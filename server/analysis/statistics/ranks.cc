#include "server/analysis/statistics/ranks.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace headscope::server {
namespace {

double Key(double value, HeadOrder order) { return order == HeadOrder::kMagnitude ? std::fabs(value) : value; }

std::vector<std::uint32_t> AllEntries(const std::vector<double>& values) {
  std::vector<std::uint32_t> entries(values.size());
  std::iota(entries.begin(), entries.end(), 0);
  return entries;
}

}  // namespace

std::vector<std::uint32_t> AscendingOrder(const std::vector<double>& values) {
  std::vector<std::uint32_t> order = AllEntries(values);
  std::stable_sort(order.begin(), order.end(), [&](auto left, auto right) { return values[left] < values[right]; });
  return order;
}

std::vector<double> AverageRanks(const std::vector<double>& values) {
  const std::vector<std::uint32_t> order = AscendingOrder(values);
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    const double rank = static_cast<double>(begin + 1 + end) / 2;
    for (; begin < end; ++begin) ranks[order[begin]] = rank;
  }
  return ranks;
}

std::vector<std::uint32_t> HeadsInOrder(const std::vector<double>& values, HeadOrder order) {
  std::vector<std::uint32_t> heads = AllEntries(values);
  std::stable_sort(heads.begin(), heads.end(),
                   [&](auto left, auto right) { return Key(values[left], order) > Key(values[right], order); });
  return heads;
}

std::vector<std::uint32_t> CompetitionRanks(const std::vector<double>& values, HeadOrder order) {
  const std::vector<std::uint32_t> heads = HeadsInOrder(values, order);
  std::vector<std::uint32_t> ranks(values.size());
  std::uint32_t rank = 1;
  for (std::size_t i = 0; i < heads.size(); ++i) {
    const bool equal = i > 0 && Key(values[heads[i]], order) == Key(values[heads[i - 1]], order);
    if (!equal) rank = static_cast<std::uint32_t>(i + 1);
    ranks[heads[i]] = rank;
  }
  return ranks;
}

}  // namespace headscope::server
