// Rank-biased overlap of two rankings of the same heads.
#pragma once

#include <cstdint>
#include <vector>

namespace headscope::server {

// What it needs of one ranking, made once for one p.
struct OverlapRanks {
  // Competition rank of every head.
  std::vector<std::uint32_t> rank;
  // Without ties: what a head adds when this ranking is the one it enters last. Empty with ties.
  std::vector<double> share;
};
// `ranks` from CompetitionRanks; 0 < p < 1.
OverlapRanks RanksForOverlap(std::vector<std::uint32_t> ranks, double p);

// Webber, Moffat and Zobel 2010, extrapolated, of two full rankings of n heads:
//   A_n p^n + (1 - p) / p * sum_{d = 1..n} p^d A_d,   A_d = 2 |X_d and Y_d| / (|X_d| + |Y_d|),
// X_d: the heads whose competition rank is at most d, so that tied heads enter together at the first of their ranks.
// Without ties |X_d| = d, and the sum can be taken by heads: one that both have from depth m on adds
// (1 - p) sum_{d = m..n} p^(d - 1) / d. Small p looks at the top only (the first 1 / (1 - p) heads carry most of the
// weight). Both made for this p.
double RankBiasedOverlap(const OverlapRanks& left, const OverlapRanks& right, double p);

}  // namespace headscope::server
