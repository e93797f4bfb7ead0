#include "client/report/bar_chart.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "client/report/html.h"
#include "client/report/number_text.h"

namespace headscope::report {
namespace {

// Of the plot within the chart, in pixels.
constexpr double kLeft = 52;
constexpr double kTop = 8;
constexpr double kHeight = 96;
constexpr double kBottom = 34;
constexpr double kRight = 8;

// One bar with the gap to the next.
double Pitch(const BarChart& chart) {
  return std::clamp(264.0 / static_cast<double>(std::max<std::size_t>(chart.layers.size(), 1)), 4.0, 36.0);
}

double Width(const BarChart& chart) { return Pitch(chart) * static_cast<double>(chart.layers.size()); }
double Y(double value, const Axis& axis) { return kTop + (1 - axis.Share(value)) * kHeight; }

std::string Grid(const BarChart& chart, const Axis& axis) {
  std::string markup = "<g class=\"ticks\">";
  for (const double tick : axis.ticks) {
    const std::string y = Coordinate(Y(tick, axis));
    absl::StrAppend(&markup, "<path class=\"", tick == 0 ? "zero" : "grid", "\" d=\"M", kLeft, " ", y, "h",
                    Coordinate(Width(chart)), "\"/><text class=\"end\" x=\"", kLeft - 6, "\" y=\"",
                    Coordinate(Y(tick, axis) + 3.5), "\">", NumberText(tick, 3), "</text>");
  }
  return markup + "</g>\n";
}

std::string LayerNumbers(const BarChart& chart) {
  std::size_t step = 1;
  while (static_cast<double>(step) * Pitch(chart) < 20) step *= 2;
  std::string markup = "<g class=\"ticks\">";
  for (std::size_t layer = 0; layer < chart.layers.size(); layer += step) {
    absl::StrAppend(&markup, "<text class=\"middle\" x=\"",
                    Coordinate(kLeft + (static_cast<double>(layer) + 0.5) * Pitch(chart)), "\" y=\"",
                    kTop + kHeight + 14, "\">", layer, "</text>");
  }
  return absl::StrCat(markup, "<text class=\"middle title\" x=\"", Coordinate(kLeft + Width(chart) / 2), "\" y=\"",
                      kTop + kHeight + 28, "\">layer</text></g>\n");
}

std::string Whisker(const client::Interval& interval, double x, const Axis& axis) {
  if (!std::isfinite(interval.low) || !std::isfinite(interval.high)) return "";
  return absl::StrCat("<path class=\"whisker\" d=\"M", Coordinate(x), " ", Coordinate(Y(interval.low, axis)), "V",
                      Coordinate(Y(interval.high, axis)), "\"/>");
}

std::string Bar(const BarChart& chart, std::size_t layer, const Axis& axis) {
  const client::Estimate& estimate = chart.layers[layer];
  if (!estimate.value || !std::isfinite(*estimate.value)) return "";
  const double left = kLeft + static_cast<double>(layer) * Pitch(chart);
  const double y = Y(*estimate.value, axis);
  const double zero = Y(0, axis);
  return absl::StrCat("<rect class=\"", *estimate.value < 0 ? "bar negative" : "bar", "\" x=\"",
                      Coordinate(left + 0.1 * Pitch(chart)), "\" y=\"", Coordinate(std::min(y, zero)), "\" width=\"",
                      Coordinate(0.8 * Pitch(chart)), "\" height=\"", Coordinate(std::abs(zero - y)),
                      "\"><title>layer ", layer, ": ", NumberText(*estimate.value), "</title></rect>",
                      estimate.interval ? Whisker(*estimate.interval, left + 0.5 * Pitch(chart), axis) : "");
}

std::string Summary(const BarChart& chart) {
  std::size_t largest = 0;
  const auto value = [&chart](std::size_t layer) { return chart.layers[layer].value.value_or(-INFINITY); };
  for (std::size_t layer = 0; layer < chart.layers.size(); ++layer) {
    if (value(layer) > value(largest)) largest = layer;
  }
  return absl::StrCat("Totals by layer of ", chart.label, ": the largest is layer ", largest, ", ",
                      NumberText(chart.layers[largest].value), ".");
}

std::string Numbers(const BarChart& chart) {
  Table table{absl::StrCat("Totals by layer of ", chart.label), {"Layer", "Total", "Interval"}, {}};
  for (std::size_t layer = 0; layer < chart.layers.size(); ++layer) {
    const std::string interval = IntervalText(chart.layers[layer].interval);
    table.rows.push_back({absl::StrCat(layer), NumberText(chart.layers[layer].value),
                          interval.empty() ? std::string(kUndefined) : interval});
  }
  return Details("Numbers", ScrollBox(absl::StrCat("Numbers of ", table.caption), TableMarkup(table)));
}

}  // namespace

std::string BarChartFigure(const BarChart& chart, const Axis& axis) {
  if (chart.layers.empty()) return "";
  const double width = kLeft + Width(chart) + kRight;
  const double height = kTop + kHeight + kBottom;
  std::string markup =
      absl::StrCat("<figure class=\"chart\"><figcaption><b>", Escape(chart.label),
                   "</b></figcaption>\n<svg role=\"img\" aria-label=\"", Escape(Summary(chart)), "\" viewBox=\"0 0 ",
                   Coordinate(width), " ", height, "\" width=\"", Coordinate(width), "\" height=\"", height, "\">\n",
                   Grid(chart, axis), LayerNumbers(chart));
  for (std::size_t layer = 0; layer < chart.layers.size(); ++layer) absl::StrAppend(&markup, Bar(chart, layer, axis));
  return absl::StrCat(markup, "</svg>\n", Numbers(chart), "</figure>\n");
}

}  // namespace headscope::report
