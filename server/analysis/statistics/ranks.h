// Ranks of a pattern's entries.
#pragma once

#include <cstdint>
#include <vector>

namespace headscope::server {

// Which heads come first.
enum class HeadOrder {
  // The largest value.
  kValue,
  // The largest |value|: for signed patterns.
  kMagnitude,
};

// Entries from the smallest to the largest value, equal ones in their own order.
std::vector<std::uint32_t> AscendingOrder(const std::vector<double>& values);

// 1 for the smallest; equal values share the mean of their ranks (SciPy's rankdata, "average").
std::vector<double> AverageRanks(const std::vector<double>& values);

// Entries from the first to the last; equal ones in their own order: by layer, then head.
std::vector<std::uint32_t> HeadsInOrder(const std::vector<double>& values, HeadOrder order);

// 1 for the first; equal values share the smallest of their ranks (1, 2, 2, 4).
std::vector<std::uint32_t> CompetitionRanks(const std::vector<double>& values, HeadOrder order);

}  // namespace headscope::server
