#include <functional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/report/bar_chart.h"
#include "client/report/html.h"
#include "client/report/interval_mark.h"
#include "client/report/number_text.h"
#include "client/report/sections.h"

namespace headscope::report {
namespace {

using client::Description;
using client::Estimate;

// A column of the table of dispersions.
struct Statistic {
  const char* heading;
  std::function<const Estimate&(const Description&)> of;
};

const std::vector<Statistic>& Statistics() {
  static const std::vector<Statistic> statistics = {
      {"Gini", [](const Description& description) -> const Estimate& { return description.dispersion.gini; }},
      {"Coefficient of variation",
       [](const Description& description) -> const Estimate& { return description.dispersion.cv; }},
      {"Kurtosis (Fisher)",
       [](const Description& description) -> const Estimate& { return description.dispersion.kurtosis_fisher; }},
      {"Kurtosis (Pearson)",
       [](const Description& description) -> const Estimate& { return description.dispersion.kurtosis_pearson; }},
      {"Entropy (nats)",
       [](const Description& description) -> const Estimate& { return description.dispersion.entropy; }},
      {"Effective heads",
       [](const Description& description) -> const Estimate& { return description.dispersion.effective_heads; }},
      {"Total", [](const Description& description) -> const Estimate& { return description.total; }}};
  return statistics;
}

std::vector<const LabelledPattern*> Described(const Report& report) {
  std::vector<const LabelledPattern*> described;
  for (const LabelledPattern& pattern : report.patterns) {
    if (pattern.description) described.push_back(&pattern);
  }
  return described;
}

std::string EstimateCell(const Estimate& estimate, const Axis& axis) {
  const std::string interval = IntervalText(estimate.interval);
  return absl::StrCat("<span class=\"number\">", NumberText(estimate.value), "</span>", PointMark(estimate, axis),
                      interval.empty() ? "" : absl::StrCat("<small>", interval, "</small>"));
}

std::string DispersionTable(const std::vector<const LabelledPattern*>& patterns) {
  Table table{"Dispersion of each pattern", {"Pattern"}, {}};
  for (const LabelledPattern* pattern : patterns) table.rows.push_back({Escape(pattern->label)});
  for (const Statistic& statistic : Statistics()) {
    table.header.push_back(statistic.heading);
    std::vector<Estimate> column;
    for (const LabelledPattern* pattern : patterns) column.push_back(statistic.of(*pattern->description));
    const Axis axis = AxisOf(column);
    for (std::size_t row = 0; row < patterns.size(); ++row) table.rows[row].push_back(EstimateCell(column[row], axis));
  }
  return ScrollBox(table.caption, TableMarkup(table));
}

// What the intervals are, where there are any.
std::string IntervalNote(const std::vector<const LabelledPattern*>& patterns) {
  for (const LabelledPattern* pattern : patterns) {
    const Description& description = *pattern->description;
    if (!description.total.interval || !description.bootstrap.level) continue;
    return absl::StrCat("<p class=\"note\">Intervals: ", PercentText(*description.bootstrap.level),
                        " bootstrap over the samples. A pattern without stored samples has none.</p>\n");
  }
  return "";
}

std::string TopHeads(const LabelledPattern& pattern) {
  Table table{absl::StrCat("Top heads of ", pattern.label), {"Layer.head", "Value", "Interval", "Stability"}, {}};
  for (const client::TopHead& head : pattern.description->top_heads) {
    std::string value = NumberText(head.value);
    if (head.standard_error) absl::StrAppend(&value, " ± ", NumberText(*head.standard_error, 2));
    const std::string interval = IntervalText(head.interval);
    table.rows.push_back({absl::StrCat(head.layer, ".", head.head), value, interval.empty() ? kUndefined : interval,
                          head.stability ? PercentText(*head.stability) : kUndefined});
  }
  return ScrollBox(table.caption, TableMarkup(table));
}

std::string AllTopHeads(const std::vector<const LabelledPattern*>& patterns) {
  std::string tables;
  for (const LabelledPattern* pattern : patterns) {
    if (!pattern->description->top_heads.empty()) absl::StrAppend(&tables, "<div>", TopHeads(*pattern), "</div>\n");
  }
  if (tables.empty()) return "";
  return absl::StrCat(
      "<h3>Top heads</h3>\n<p class=\"note\">Stability: the share of bootstrap resamples in which the head ",
      "is among those listed.</p>\n<div class=\"gallery\">\n", tables, "</div>\n");
}

// On one axis, so that patterns can be compared.
std::string LayerTotals(const std::vector<const LabelledPattern*>& patterns) {
  std::vector<Estimate> all;
  for (const LabelledPattern* pattern : patterns) {
    const auto& totals = pattern->description->layer_totals;
    all.insert(all.end(), totals.begin(), totals.end());
  }
  if (all.empty()) return "";
  const Axis axis = AxisAroundZero(all);
  std::string charts;
  for (const LabelledPattern* pattern : patterns) {
    absl::StrAppend(&charts, BarChartFigure({pattern->label, pattern->description->layer_totals}, axis));
  }
  return absl::StrCat("<h3>Totals by layer</h3>\n<div class=\"gallery\">\n", charts, "</div>\n");
}

constexpr char kDefinitions[] =
    "<p>How unevenly a pattern is spread over its heads; multiplying it by a positive number changes none of these but "
    "the "
    "total. <b>Gini</b>: 0 where all heads are equal, close to 1 where one has everything. <b>Effective heads</b>: e "
    "to "
    "the power of the entropy. <b>Kurtosis</b>: large where a few heads are extreme.</p>\n";

}  // namespace

std::string DispersionSection(const Report& report) {
  const auto patterns = Described(report);
  if (patterns.empty()) return "";
  return absl::StrCat(kDefinitions, DispersionTable(patterns), IntervalNote(patterns), AllTopHeads(patterns),
                      LayerTotals(patterns));
}

}  // namespace headscope::report
