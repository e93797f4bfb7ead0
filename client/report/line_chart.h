// Small line charts: one quantity, or a few of one kind, along the patterns.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace headscope::report {

// The places of the points along a chart.
struct Places {
  std::vector<std::string> labels;
  // 0 to 1, ascending.
  std::vector<double> shares;
};
// In proportion where all labels are ascending numbers, else evenly.
Places PlacesOf(const std::vector<std::string>& labels);

struct Series {
  std::string name;
  // One for each place; what is not defined is a gap.
  std::vector<std::optional<double>> values;
};

struct LineChart {
  std::string title;
  // At most three.
  std::vector<Series> series;
};

// A figure with a text alternative. Series differ in colour, dash and marker.
std::string LineChartFigure(const LineChart& chart, const Places& places);
// Names of the series beside samples of their lines, for several charts with the same ones.
std::string LineChartKey(const std::vector<std::string>& names);

}  // namespace headscope::report
