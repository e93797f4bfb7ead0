// The pairs behind Kendall's tau-b of many patterns, each with each.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "server/analysis/statistics/kendall.h"
#include "server/analysis/statistics/pattern_matrix.h"

namespace headscope::server {

// [patterns, patterns], row-major, of which row < column is filled: what CountPairs(row, column) gives. All patterns
// have the same number of entries. Where they are many and not too large the signs of all pairs of entries are kept as
// bits, a part of the pairs at a time, and bits that differ are counted.
absl::StatusOr<std::vector<PairCounts>> CountPairsOfEach(const std::vector<const KendallRanks*>& patterns,
                                                         const KeepOn& keep_on);

}  // namespace headscope::server
