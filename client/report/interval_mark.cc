#include "client/report/interval_mark.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "client/report/number_text.h"

namespace headscope::report {
namespace {

constexpr double kPointWidth = 96;
constexpr double kBarWidth = 260;
// Room for a mark at the very end.
constexpr double kMargin = 5;

double X(double value, const Axis& axis, double width) {
  return kMargin + std::clamp(axis.Share(value), 0.0, 1.0) * (width - 2 * kMargin);
}

std::string Svg(double width, double height, const std::string& content) {
  return absl::StrCat("<svg class=\"mark\" aria-hidden=\"true\" viewBox=\"0 0 ", width, " ", height, "\" width=\"",
                      width, "\" height=\"", height, "\">", content, "</svg>");
}

std::string Line(const char* style, double x1, double y1, double x2, double y2) {
  return absl::StrCat("<path class=\"", style, "\" d=\"M", Coordinate(x1), " ", Coordinate(y1), "L", Coordinate(x2),
                      " ", Coordinate(y2), "\"/>");
}

std::string Whisker(const std::optional<client::Interval>& interval, const Axis& axis, double width, double y) {
  if (!interval || !std::isfinite(interval->low) || !std::isfinite(interval->high)) return "";
  const double low = X(interval->low, axis, width);
  const double high = X(interval->high, axis, width);
  return absl::StrCat(Line("whisker", low, y, high, y), Line("whisker", low, y - 3, low, y + 3),
                      Line("whisker", high, y - 3, high, y + 3));
}

Axis Holding(const std::vector<client::Estimate>& estimates, std::vector<double> values) {
  for (const client::Estimate& estimate : estimates) {
    if (estimate.value) values.push_back(*estimate.value);
    if (estimate.interval) values.insert(values.end(), {estimate.interval->low, estimate.interval->high});
  }
  std::erase_if(values, [](double value) { return !std::isfinite(value); });
  if (values.empty()) return {};
  const auto [least, most] = std::ranges::minmax(values);
  return RoundAxis(least, most);
}

bool IsDefined(const client::Estimate& estimate) { return estimate.value && std::isfinite(*estimate.value); }

}  // namespace

Axis AxisAroundZero(const std::vector<client::Estimate>& estimates) { return Holding(estimates, {0}); }
Axis AxisOf(const std::vector<client::Estimate>& estimates) { return Holding(estimates, {}); }

std::string PointMark(const client::Estimate& estimate, const Axis& axis) {
  if (!IsDefined(estimate)) return "";
  constexpr double kHeight = 12;
  const std::string point = absl::StrCat("<circle class=\"point\" cx=\"",
                                         Coordinate(X(*estimate.value, axis, kPointWidth)), "\" cy=\"6\" r=\"3.5\"/>");
  return Svg(kPointWidth, kHeight,
             absl::StrCat(Line("rail", kMargin, 6, kPointWidth - kMargin, 6),
                          Whisker(estimate.interval, axis, kPointWidth, 6), point));
}

std::string BarMark(const client::Estimate& estimate, const Axis& axis) {
  constexpr double kHeight = 24;
  const double zero = X(0, axis, kBarWidth);
  std::string content = Line("zero", zero, 0, zero, kHeight);
  if (IsDefined(estimate)) {
    const double end = X(*estimate.value, axis, kBarWidth);
    const std::string bar = absl::StrCat("<rect class=\"", *estimate.value < 0 ? "bar negative" : "bar", "\" x=\"",
                                         Coordinate(std::min(zero, end)), "\" y=\"4\" width=\"",
                                         Coordinate(std::abs(end - zero)), "\" height=\"16\"/>");
    content = absl::StrCat(bar, content, Whisker(estimate.interval, axis, kBarWidth, 12));
  }
  return Svg(kBarWidth, kHeight, content);
}

}  // namespace headscope::report
