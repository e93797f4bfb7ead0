// Rank-biased overlap of two rankings of the same heads.
#pragma once

#include <cstdint>
#include <vector>

namespace headscope::server {

// Webber, Moffat and Zobel 2010, extrapolated, of two full rankings of n heads:
//   A_n p^n + (1 - p) / p * sum_{d = 1..n} p^d A_d,   A_d = 2 |X_d and Y_d| / (|X_d| + |Y_d|),
// X_d: the heads whose competition rank is at most d, so that tied heads enter together at the first of their ranks.
// Without ties |X_d| = d. `left` and `right` from CompetitionRanks; 0 < p < 1: small p looks at the top only (the first
// 1 / (1 - p) heads carry most of the weight).
double RankBiasedOverlap(const std::vector<std::uint32_t>& left, const std::vector<std::uint32_t>& right, double p);

}  // namespace headscope::server
