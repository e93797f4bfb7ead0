// An axis with round numbers.
#pragma once

#include <vector>

namespace headscope::report {

struct Axis {
  double least = 0;
  double most = 1;
  // Ascending, within [least, most].
  std::vector<double> ticks;

  // 0 at `least`, 1 at `most`.
  double Share(double value) const { return (value - least) / (most - least); }
};

// The smallest axis of at most about `intervals` round steps (1, 2 or 5 times a power of 10) that holds both; equal
// ones lie in the middle of a step.
Axis RoundAxis(double least, double most, int intervals = 4);

}  // namespace headscope::report
