#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/report/colour_scale.h"
#include "client/report/html.h"
#include "client/report/number_text.h"
#include "client/report/sections.h"

namespace headscope::report {
namespace {

using client::Comparison;
using client::Matrix;
using client::Measure;
using client::SimilarityMatrices;

std::string TitleOf(Measure measure, const Comparison& comparison) {
  switch (measure) {
    case Measure::kPearson:
      return "Pearson correlation";
    case Measure::kSpearman:
      return "Spearman rank correlation";
    case Measure::kKendallTauB:
      return "Kendall tau-b";
    case Measure::kCosine:
      return "Cosine";
    case Measure::kMse:
      return "Mean squared error";
    case Measure::kTopKOverlap:
      return absl::StrCat("Overlap of the top ", comparison.top_k);
    case Measure::kTopKJaccard:
      return absl::StrCat("Jaccard index of the top ", comparison.top_k);
    case Measure::kRbo:
      return absl::StrCat("Rank-biased overlap, p = ", NumberText(comparison.rbo_p));
  }
  return client::NameOf(measure);
}

// What unrelated patterns have on average, where that is not 0.
std::string ByChance(Measure measure, const Comparison& comparison) {
  if (measure != Measure::kTopKOverlap && measure != Measure::kTopKJaccard) return "";
  const double chance =
      measure == Measure::kTopKOverlap ? comparison.top_k_overlap_by_chance : comparison.top_k_jaccard_by_chance;
  return absl::StrCat("<p class=\"note\">By chance: ", FixedText(chance), "</p>");
}

ColourScale ScaleOf(Measure measure, const Matrix& values) {
  switch (measure) {
    case Measure::kPearson:
    case Measure::kSpearman:
    case Measure::kKendallTauB:
    case Measure::kCosine:
      return ColourScale(1, true);
    case Measure::kMse:
      return ColourScale::Of({&values});
    case Measure::kTopKOverlap:
    case Measure::kTopKJaccard:
    case Measure::kRbo:
      return ColourScale(1, false);
  }
  return ColourScale::Of({&values});
}

std::string ValueText(Measure measure, double value) {
  return measure == Measure::kMse ? NumberText(value, 3) : FixedText(value);
}

// "0.81 to 0.90"; empty where there are no intervals.
std::string PairInterval(const SimilarityMatrices& matrices, std::size_t row, std::size_t column) {
  if (!matrices.low || !matrices.high) return "";
  const client::Interval interval{matrices.low->At(row, column), matrices.high->At(row, column)};
  return std::isnan(interval.low) ? "" : IntervalText(interval);
}

std::string CellMarkup(Measure measure, const SimilarityMatrices& matrices, const ColourScale& scale, std::size_t row,
                       std::size_t column) {
  std::string title = PairInterval(matrices, row, column);
  if (matrices.p_values && std::isfinite(matrices.p_values->At(row, column))) {
    absl::StrAppend(&title, title.empty() ? "" : ", ", "p = ", NumberText(matrices.p_values->At(row, column), 3));
  }
  const double value = matrices.values.At(row, column);
  return absl::StrCat("<td ", ShadeAttributes(scale.ShadeOf(value)),
                      title.empty() ? "" : absl::StrCat(" title=\"", title, "\""), ">", ValueText(measure, value));
}

std::string MatrixMarkup(const Report& report, Measure measure, const SimilarityMatrices& matrices,
                         const std::string& caption) {
  const ColourScale scale = ScaleOf(measure, matrices.values);
  std::string markup = absl::StrCat("<table class=\"matrix\"><caption>", Escape(caption),
                                    "</caption>\n<thead><tr><th scope=\"col\">Pattern");
  for (const LabelledPattern& pattern : report.patterns) {
    absl::StrAppend(&markup, "<th scope=\"col\"><span>", Escape(Shorten(pattern.label, 24)), "</span>");
  }
  absl::StrAppend(&markup, "</thead>\n<tbody>\n");
  for (std::size_t row = 0; row < matrices.values.rows; ++row) {
    absl::StrAppend(&markup, "<tr><th scope=\"row\">", Escape(Shorten(report.patterns[row].label, 24)));
    for (std::size_t column = 0; column < matrices.values.columns; ++column) {
      absl::StrAppend(&markup, CellMarkup(measure, matrices, scale, row, column));
    }
    absl::StrAppend(&markup, "\n");
  }
  return ScrollBox(caption, markup + "</tbody></table>\n");
}

// Intervals and p-values, one row a pair.
std::string Pairs(const Report& report, Measure measure, const SimilarityMatrices& matrices,
                  const std::string& caption) {
  if (!matrices.low && !matrices.p_values) return "";
  Table table{absl::StrCat(caption, ", by pair"), {"Pair", "Value", "Interval", "p"}, {}};
  for (std::size_t row = 0; row < matrices.values.rows; ++row) {
    for (std::size_t column = row + 1; column < matrices.values.columns; ++column) {
      const std::string interval = PairInterval(matrices, row, column);
      table.rows.push_back(
          {absl::StrCat(Escape(report.patterns[row].label), ", ", Escape(report.patterns[column].label)),
           ValueText(measure, matrices.values.At(row, column)), interval.empty() ? kUndefined : interval,
           matrices.p_values ? NumberText(matrices.p_values->At(row, column), 3) : kUndefined});
    }
  }
  return Details("Intervals and p-values", ScrollBox(table.caption, TableMarkup(table)));
}

std::string MeasureFigure(const Report& report, Measure measure, bool means_removed,
                          const SimilarityMatrices& matrices) {
  const std::string title = TitleOf(measure, *report.comparison);
  const std::string caption = absl::StrCat(title, means_removed ? ", layer means removed" : "");
  return absl::StrCat("<figure class=\"measure ", means_removed ? "removed" : "kept", "\"><figcaption><b>",
                      Escape(title), "</b>", means_removed ? "<span class=\"subtitle\">layer means removed</span>" : "",
                      "</figcaption>\n", ByChance(measure, *report.comparison),
                      MatrixMarkup(report, measure, matrices, caption), Pairs(report, measure, matrices, caption),
                      "</figure>\n");
}

constexpr char kSwitch[] =
    "<fieldset class=\"switch\"><legend>Patterns compared</legend>"
    "<label><input type=\"radio\" name=\"layer-means\" id=\"means-kept\" checked> as they are</label> "
    "<label><input type=\"radio\" name=\"layer-means\" id=\"means-removed\"> with layer means "
    "removed</label></fieldset>\n"
    "<p class=\"note\">A trend along depth that all patterns share makes them correlate; with every layer’s mean taken "
    "away only differences within layers count.</p>\n";

std::string Note(const Comparison& comparison) {
  std::string text;
  if (comparison.bootstrap && comparison.bootstrap->level) {
    absl::StrAppend(&text, "Intervals: ", PercentText(*comparison.bootstrap->level), " bootstrap. ");
  }
  if (comparison.permutation && comparison.permutation->permutations) {
    absl::StrAppend(
        &text, "p: share of ", *comparison.permutation->permutations, " permutations (",
        comparison.permutation->scope == client::ShuffleScope::kAllHeads ? "over all heads" : "within layers",
        ") that are at least as alike. ");
  }
  return text.empty() ? "" : absl::StrCat("<p class=\"note\">", text, "</p>\n");
}

}  // namespace

std::string SimilaritySection(const Report& report) {
  if (!report.comparison || report.comparison->measures.empty()) return "";
  const auto& measures = report.comparison->measures;
  const auto is_removed = [](const auto& entry) { return entry.first.second; };
  const auto removed = std::ranges::count_if(measures, is_removed);
  const bool switchable = removed > 0 && removed < static_cast<std::ptrdiff_t>(measures.size());
  std::string markup = absl::StrCat(switchable ? kSwitch : "", Note(*report.comparison),
                                    switchable ? "<div class=\"gallery switchable\">\n" : "<div class=\"gallery\">\n");
  for (const auto& [key, matrices] : measures) {
    absl::StrAppend(&markup, MeasureFigure(report, key.first, key.second, matrices));
  }
  return markup + "</div>\n";
}

}  // namespace headscope::report
