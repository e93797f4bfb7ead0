#include "client/report/line_chart.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/report/axis.h"
#include "client/report/html.h"
#include "client/report/number_text.h"

namespace headscope::report {
namespace {

// Of the plot within the chart, in pixels.
constexpr double kLeft = 46;
constexpr double kTop = 10;
constexpr double kWidth = 212;
constexpr double kHeight = 150;
constexpr double kRight = 14;
constexpr std::size_t kLabelCharacters = 14;
constexpr double kCharacter = 6.2;

bool IsDefined(const std::optional<double>& value) { return value && std::isfinite(*value); }

Axis ValueAxis(const LineChart& chart) {
  double least = std::numeric_limits<double>::infinity();
  double most = -least;
  for (const Series& series : chart.series) {
    for (const auto& value : series.values) {
      if (!IsDefined(value)) continue;
      least = std::min(least, *value);
      most = std::max(most, *value);
    }
  }
  return least > most ? RoundAxis(0, 1) : RoundAxis(least, most);
}

double X(double share) { return kLeft + share * kWidth; }
double Y(double value, const Axis& axis) { return kTop + (1 - axis.Share(value)) * kHeight; }

std::string Grid(const Axis& axis) {
  std::string markup = "<g class=\"ticks\">";
  for (const double tick : axis.ticks) {
    const double y = Y(tick, axis);
    absl::StrAppend(&markup, "<path class=\"grid\" d=\"M", kLeft, " ", Coordinate(y), "h", kWidth,
                    "\"/><text class=\"end\" x=\"", kLeft - 6, "\" y=\"", Coordinate(y + 3.5), "\">",
                    NumberText(tick, 3), "</text>");
  }
  return markup + "</g>\n";
}

// What stands beneath the places. Short labels are upright, long ones slanted; where places lie close, some labels are
// left out: the table has them all.
struct PlaceLabels {
  explicit PlaceLabels(const Places& places) {
    for (const std::string& label : places.labels) {
      texts.push_back(Shorten(label, kLabelCharacters));
      longest = std::max(longest, std::min(label.size(), kLabelCharacters));
    }
  }

  bool are_upright() const { return longest <= 6; }
  double length() const { return static_cast<double>(longest) * kCharacter; }
  double height() const { return are_upright() ? 24 : 20 + 0.65 * length(); }

  std::vector<std::string> texts;
  std::size_t longest = 0;
};

std::string Markup(const PlaceLabels& labels, const Places& places) {
  std::string markup = "<g class=\"ticks\">";
  const double y = kTop + kHeight + 16;
  double free_from = 0;
  for (std::size_t index = 0; index < labels.texts.size(); ++index) {
    const double x = X(places.shares[index]);
    if (x < free_from) continue;
    free_from = x + (labels.are_upright() ? labels.length() + 4 : 13);
    const std::string text = Escape(labels.texts[index]);
    if (labels.are_upright()) {
      absl::StrAppend(&markup, "<text class=\"middle\" x=\"", Coordinate(x), "\" y=\"", y, "\">", text, "</text>");
    } else {
      absl::StrAppend(&markup, "<text class=\"end\" transform=\"translate(", Coordinate(x + 4), " ", y - 2,
                      ") rotate(-40)\">", text, "</text>");
    }
  }
  return markup + "</g>\n";
}

std::string Marker(std::size_t series, double x, double y, const std::string& title) {
  const std::string at = absl::StrCat(Coordinate(x), " ", Coordinate(y));
  const char* shapes[] = {"m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z", "m-3.2 -3.2h6.4v6.4h-6.4z",
                          "m0 -4.5l4 7.5h-8z"};
  return absl::StrCat("<path class=\"marker\" d=\"M", at, shapes[series % 3], "\"><title>", Escape(title),
                      "</title></path>");
}

std::string SeriesMarkup(const Series& series, std::size_t number, const Places& places, const Axis& axis) {
  std::string line, markers;
  bool pen_down = false;
  for (std::size_t index = 0; index < series.values.size(); ++index) {
    const auto& value = series.values[index];
    if (!IsDefined(value)) {
      pen_down = false;
      continue;
    }
    const double x = X(places.shares[index]);
    const double y = Y(*value, axis);
    absl::StrAppend(&line, pen_down ? "L" : "M", Coordinate(x), " ", Coordinate(y));
    pen_down = true;
    const std::string prefix = series.name.empty() ? "" : series.name + ", ";
    absl::StrAppend(&markers,
                    Marker(number, x, y, absl::StrCat(prefix, places.labels[index], ": ", NumberText(*value))));
  }
  return absl::StrCat("<g class=\"series k", number, "\"><path class=\"line\" d=\"", line, "\"/>", markers, "</g>\n");
}

// "Gini from 0.5 at base to 0.33 at tuned".
std::string Summary(const LineChart& chart, const Places& places) {
  std::string text;
  for (const Series& series : chart.series) {
    const auto first = std::ranges::find_if(series.values, IsDefined);
    if (first == series.values.end()) continue;
    const auto last = std::find_if(series.values.rbegin(), series.values.rend(), IsDefined);
    const auto label = [&](auto iterator) { return places.labels[&*iterator - series.values.data()]; };
    absl::StrAppend(&text, text.empty() ? ": " : "; ", series.name, series.name.empty() ? "" : " ", "from ",
                    NumberText(*first), " at ", label(first), " to ", NumberText(*last), " at ", label(last));
  }
  return chart.title + (text.empty() ? ": not defined anywhere" : text);
}

}  // namespace

Places PlacesOf(const std::vector<std::string>& labels) {
  Places places{labels, {}};
  std::vector<double> numbers(labels.size());
  bool in_proportion = labels.size() > 1;
  for (std::size_t index = 0; index < labels.size(); ++index) {
    in_proportion = in_proportion && absl::SimpleAtod(labels[index], &numbers[index]) &&
                    std::isfinite(numbers[index]) && (index == 0 || numbers[index] > numbers[index - 1]);
  }
  for (std::size_t index = 0; index < labels.size(); ++index) {
    const double even = labels.size() > 1 ? static_cast<double>(index) / static_cast<double>(labels.size() - 1) : 0.5;
    places.shares.push_back(in_proportion ? (numbers[index] - numbers.front()) / (numbers.back() - numbers.front())
                                          : even);
  }
  return places;
}

std::string LineChartFigure(const LineChart& chart, const Places& places) {
  const Axis axis = ValueAxis(chart);
  const PlaceLabels labels(places);
  const double width = kLeft + kWidth + kRight;
  const double height = kTop + kHeight + labels.height();
  std::string markup = absl::StrCat(
      "<figure class=\"chart\"><figcaption><b>", Escape(chart.title),
      "</b></figcaption>\n<svg role=\"img\" aria-label=\"", Escape(Summary(chart, places)), ".\" viewBox=\"0 0 ", width,
      " ", height, "\" width=\"", width, "\" height=\"", height, "\">\n", Grid(axis), Markup(labels, places));
  for (std::size_t number = 0; number < chart.series.size(); ++number) {
    absl::StrAppend(&markup, SeriesMarkup(chart.series[number], number, places, axis));
  }
  return markup + "</svg></figure>\n";
}

std::string LineChartKey(const std::vector<std::string>& names) {
  std::string markup = "<ul class=\"key\">";
  for (std::size_t number = 0; number < names.size(); ++number) {
    absl::StrAppend(
        &markup, "<li><svg aria-hidden=\"true\" viewBox=\"0 0 36 12\" width=\"36\" height=\"12\"><g class=\"series k",
        number, "\"><path class=\"line\" d=\"M2 6h32\"/>", Marker(number, 18, 6, names[number]), "</g></svg> ",
        Escape(names[number]));
  }
  return markup + "</ul>\n";
}

}  // namespace headscope::report
