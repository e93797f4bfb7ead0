// Kendall's tau-b.
#pragma once

#include <cstdint>
#include <vector>

namespace headscope::server {

// What tau needs of one pattern, made once.
struct KendallRanks {
  // Entries in ascending order of their values.
  std::vector<std::uint32_t> order;
  // Of every entry: equal values have equal ranks, from 0 without gaps.
  std::vector<std::uint32_t> rank;
  // Pairs of entries with equal values.
  std::uint64_t tied_pairs = 0;
};
KendallRanks RanksForKendall(const std::vector<double>& values);

// (concordant - discordant) / sqrt((pairs - tied in left) (pairs - tied in right)); NaN when either is constant.
// Discordant pairs are counted as inversions (Knight 1966).
double KendallTauB(const KendallRanks& left, const KendallRanks& right);

}  // namespace headscope::server
