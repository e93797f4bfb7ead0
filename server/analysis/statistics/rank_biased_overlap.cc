#include "server/analysis/statistics/rank_biased_overlap.h"

#include <algorithm>

namespace headscope::server {

double RankBiasedOverlap(const std::vector<std::uint32_t>& left, const std::vector<std::uint32_t>& right, double p) {
  const std::size_t n = left.size();
  // By depth: heads that enter left, right and both.
  std::vector<std::uint32_t> enters_left(n + 1), enters_right(n + 1), enters_both(n + 1);
  for (std::size_t i = 0; i < n; ++i) {
    ++enters_left[left[i]];
    ++enters_right[right[i]];
    ++enters_both[std::max(left[i], right[i])];
  }
  double in_left = 0;
  double in_right = 0;
  double in_both = 0;
  double agreement = 0;
  double sum = 0;
  double weight = 1;
  for (std::size_t depth = 1; depth <= n; ++depth) {
    in_left += enters_left[depth];
    in_right += enters_right[depth];
    in_both += enters_both[depth];
    agreement = 2 * in_both / (in_left + in_right);
    weight *= p;
    sum += weight * agreement;
  }
  return agreement * weight + (1 - p) / p * sum;
}

}  // namespace headscope::server
