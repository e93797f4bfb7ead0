// Numbers as the report prints them; what is not defined is a dash.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "client/headscope/analysis.h"

namespace headscope::report {

// "–": not defined.
extern const char* const kUndefined;

// Significant digits: "0.01235", "−1.235e−5".
std::string NumberText(double value, int digits = 4);
std::string NumberText(const std::optional<double>& value, int digits = 4);
// Three decimals: "0.873", "−0.021".
std::string FixedText(double value);
std::string FixedText(const std::optional<double>& value);
// "0.42 to 0.57"; empty when absent.
std::string IntervalText(const std::optional<client::Interval>& interval);
// "1 layer", "2 layers".
std::string CountText(std::size_t count, const std::string& noun);
// "95 %".
std::string PercentText(double share);
// For coordinates and style values: plain, at most two decimals.
std::string Coordinate(double value);

}  // namespace headscope::report
