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

// Pairs of entries, by two patterns.
struct PairCounts {
  // In opposite orders, and tied in neither.
  std::uint64_t discordant = 0;
  std::uint64_t tied_in_both = 0;
  friend bool operator==(const PairCounts&, const PairCounts&) = default;
};
// Discordant pairs are counted as inversions (Knight 1966).
PairCounts CountPairs(const KendallRanks& left, const KendallRanks& right);

// (concordant - discordant) / sqrt((pairs - tied in left) (pairs - tied in right)); NaN when either is constant.
// `counts`: of CountPairs.
double KendallTauB(const KendallRanks& left, const KendallRanks& right, const PairCounts& counts);
double KendallTauB(const KendallRanks& left, const KendallRanks& right);

}  // namespace headscope::server
