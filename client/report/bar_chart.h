// One bar for each layer, with its interval.
#pragma once

#include <string>
#include <vector>

#include "client/headscope/analysis.h"
#include "client/report/axis.h"

namespace headscope::report {

struct BarChart {
  // Plain text.
  std::string label;
  // By layer; what is not defined has no bar.
  std::vector<client::Estimate> layers;
};

// A figure with a text alternative and its numbers as a table. `axis` holds 0; charts of one axis can be compared.
std::string BarChartFigure(const BarChart& chart, const Axis& axis);

}  // namespace headscope::report
