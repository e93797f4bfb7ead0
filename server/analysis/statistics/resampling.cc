#include "server/analysis/statistics/resampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace headscope::server {

double Quantile(std::vector<double> values, double quantile) {
  std::sort(values.begin(), values.end());
  const double place = quantile * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
}

Interval PercentileInterval(std::vector<double> values, double level) {
  std::erase_if(values, [](double value) { return std::isnan(value); });
  if (values.empty()) return {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::quiet_NaN()};
  return {Quantile(values, (1 - level) / 2), Quantile(values, (1 + level) / 2)};
}

std::vector<std::uint32_t> ResampledHeads(const PatternMatrix& shape, RandomStream& random) {
  std::vector<std::uint32_t> from(shape.size());
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::size_t layer_begin = i / shape.heads * shape.heads;
    from[i] = static_cast<std::uint32_t>(layer_begin + random.Below(shape.heads));
  }
  return from;
}

std::vector<std::uint32_t> ShuffledHeads(const PatternMatrix& shape, Shuffle shuffle, RandomStream& random) {
  std::vector<std::uint32_t> from(shape.size());
  std::iota(from.begin(), from.end(), 0);
  const std::size_t part = shuffle == Shuffle::kWithinLayers ? shape.heads : shape.size();
  for (std::size_t begin = 0; begin < from.size(); begin += part) random.Shuffle(from, begin, begin + part);
  return from;
}

PatternMatrix Taken(const PatternMatrix& pattern, const std::vector<std::uint32_t>& from) {
  PatternMatrix taken{pattern.layers, pattern.heads, std::vector<double>(from.size())};
  for (std::size_t i = 0; i < from.size(); ++i) taken.values[i] = pattern.values[from[i]];
  return taken;
}

}  // namespace headscope::server
