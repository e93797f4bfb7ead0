#include <functional>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/report/html.h"
#include "client/report/line_chart.h"
#include "client/report/number_text.h"
#include "client/report/sections.h"

namespace headscope::report {
namespace {

using client::Change;
using client::TrackPoint;
using Value = std::optional<double>;

struct DispersionQuantity {
  const char* title;
  std::function<Value(const TrackPoint&)> of;
};
const std::vector<DispersionQuantity>& DispersionQuantities() {
  static const std::vector<DispersionQuantity> quantities = {
      {"Gini", [](const TrackPoint& point) { return point.dispersion.gini.value; }},
      {"Coefficient of variation", [](const TrackPoint& point) { return point.dispersion.cv.value; }},
      {"Kurtosis (Fisher)", [](const TrackPoint& point) { return point.dispersion.kurtosis_fisher.value; }},
      {"Effective heads", [](const TrackPoint& point) { return point.dispersion.effective_heads.value; }}};
  return quantities;
}

struct ChangeQuantity {
  const char* title;
  Value Change::*of;
};
constexpr ChangeQuantity kChangeQuantities[] = {{"Pearson correlation", &Change::pearson},
                                                {"Spearman rank correlation", &Change::spearman},
                                                {"Cosine", &Change::cosine},
                                                {"Mean squared error", &Change::mse}};

// What a point is held against.
struct Reference {
  const char* name;
  std::function<std::optional<Change>(const TrackPoint&)> of;
};
const std::vector<Reference>& References() {
  static const std::vector<Reference> references = {
      {"against the first", [](const TrackPoint& point) { return std::optional(point.against_first); }},
      {"against the previous", [](const TrackPoint& point) { return point.against_previous; }},
      {"against the last", [](const TrackPoint& point) { return std::optional(point.against_last); }}};
  return references;
}

Value ChangeValue(const TrackPoint& point, const Reference& reference, Value Change::*quantity) {
  const auto change = reference.of(point);
  return change ? (*change).*quantity : std::nullopt;
}

std::string DispersionCharts(const Report& report, const Places& places) {
  Table table{"Dispersion along the patterns", {"Pattern"}, {}};
  for (const std::string& label : places.labels) table.rows.push_back({Escape(label)});
  std::string charts;
  for (const DispersionQuantity& quantity : DispersionQuantities()) {
    Series series;
    for (const TrackPoint& point : report.track) series.values.push_back(quantity.of(point));
    table.header.push_back(quantity.title);
    for (std::size_t row = 0; row < series.values.size(); ++row) {
      table.rows[row].push_back(NumberText(series.values[row]));
    }
    absl::StrAppend(&charts, LineChartFigure({quantity.title, {series}}, places));
  }
  return absl::StrCat("<h3>Dispersion</h3>\n<div class=\"gallery\">\n", charts, "</div>\n",
                      Details("Numbers", ScrollBox(table.caption, TableMarkup(table))));
}

std::string ChangeCharts(const Report& report, const Places& places) {
  Table table{"Change along the patterns", {"Pattern"}, {}};
  for (const std::string& label : places.labels) table.rows.push_back({Escape(label)});
  std::vector<std::string> names;
  for (const Reference& reference : References()) names.push_back(reference.name);
  std::string charts;
  for (const ChangeQuantity& quantity : kChangeQuantities) {
    LineChart chart{quantity.title, {}};
    for (const Reference& reference : References()) {
      Series series{reference.name, {}};
      table.header.push_back(absl::StrCat(quantity.title, " ", reference.name));
      for (std::size_t row = 0; row < report.track.size(); ++row) {
        series.values.push_back(ChangeValue(report.track[row], reference, quantity.of));
        table.rows[row].push_back(NumberText(series.values.back()));
      }
      chart.series.push_back(std::move(series));
    }
    absl::StrAppend(&charts, LineChartFigure(chart, places));
  }
  return absl::StrCat("<h3>Change</h3>\n", LineChartKey(names), "<div class=\"gallery\">\n", charts, "</div>\n",
                      Details("Numbers", ScrollBox(table.caption, TableMarkup(table))));
}

}  // namespace

std::string TrackSection(const Report& report) {
  if (report.track.empty()) return "";
  std::vector<std::string> labels;
  for (const LabelledPattern& pattern : report.patterns) labels.push_back(pattern.label);
  const Places places = PlacesOf(labels);
  return absl::StrCat("<p>The patterns in the order given.</p>\n", DispersionCharts(report, places),
                      ChangeCharts(report, places));
}

}  // namespace headscope::report
