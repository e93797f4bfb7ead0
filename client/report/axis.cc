#include "client/report/axis.h"

#include <cmath>

namespace headscope::report {
namespace {

double RoundStep(double least_step) {
  const double power = std::pow(10, std::floor(std::log10(least_step)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= least_step * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

}  // namespace

Axis RoundAxis(double least, double most, int intervals) {
  if (!(most > least)) {
    const double around = most == 0 ? 1 : std::abs(most) / 2;
    least -= around;
    most += around;
  }
  const double step = RoundStep((most - least) / intervals);
  const double first = std::floor(least / step + 1e-9);
  const double last = std::ceil(most / step - 1e-9);
  Axis axis{first * step, last * step, {}};
  for (double index = first; index <= last; ++index) axis.ticks.push_back(index * step);
  return axis;
}

}  // namespace headscope::report
