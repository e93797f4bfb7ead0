// What intervals and p-values are made of.
#pragma once

#include <cstdint>
#include <vector>

#include "server/analysis/statistics/pattern_matrix.h"
#include "server/analysis/statistics/random_stream.h"

namespace headscope::server {

struct Interval {
  double low = 0;
  double high = 0;
};

// How many times, how, and from which seed. The same values give the same bits.
struct Bootstrap {
  std::uint32_t resamples = 1000;
  // Of the interval, in (0, 1).
  double level = 0.95;
  std::uint64_t seed = 0;
};

// Among which heads a permutation shuffles.
enum class Shuffle {
  // Within each layer: the null keeps the trend along depth.
  kWithinLayers,
  kAllHeads,
};

struct Permutation {
  std::uint32_t permutations = 1000;
  Shuffle shuffle = Shuffle::kWithinLayers;
  std::uint64_t seed = 0;
};

// The percentile interval of a statistic's values on resamples: quantiles (1 - level) / 2 and (1 + level) / 2, linear
// between neighbours (NumPy's default). Values that are NaN (not defined on that resample) are left out; NaN, NaN where
// none is left.
Interval PercentileInterval(std::vector<double> values, double level);
// The quantile as above; `values` not empty.
double Quantile(std::vector<double> values, double quantile);

// For every entry the entry of its own layer that takes its place: a bootstrap over heads keeps the layers.
std::vector<std::uint32_t> ResampledHeads(const PatternMatrix& shape, RandomStream& random);
// For every entry the entry that moves there.
std::vector<std::uint32_t> ShuffledHeads(const PatternMatrix& shape, Shuffle shuffle, RandomStream& random);
// values[i] = pattern.values[from[i]].
PatternMatrix Taken(const PatternMatrix& pattern, const std::vector<std::uint32_t>& from);

}  // namespace headscope::server
