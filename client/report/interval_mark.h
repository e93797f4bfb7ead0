// Small marks for table cells that draw the number beside them: they say nothing that the number does not.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/headscope/analysis.h"
#include "client/report/axis.h"

namespace headscope::report {

// The axis that holds all values, their intervals and 0.
Axis AxisAroundZero(const std::vector<client::Estimate>& estimates);
// The axis that holds all values and their intervals.
Axis AxisOf(const std::vector<client::Estimate>& estimates);

// A point with its interval; empty for an undefined value.
std::string PointMark(const client::Estimate& estimate, const Axis& axis);
// A bar from 0 with its interval; `axis` holds 0.
std::string BarMark(const client::Estimate& estimate, const Axis& axis);

}  // namespace headscope::report
