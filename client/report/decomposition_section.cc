#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/report/head_map.h"
#include "client/report/html.h"
#include "client/report/interval_mark.h"
#include "client/report/number_text.h"
#include "client/report/sections.h"

namespace headscope::report {
namespace {

using client::Coefficient;
using client::Decomposition;

client::Estimate EstimateOf(const Coefficient& coefficient) { return {coefficient.value, coefficient.interval}; }

std::string IntervalCell(const std::optional<client::Interval>& interval) {
  const std::string text = IntervalText(interval);
  return text.empty() ? kUndefined : text;
}

std::vector<std::string> CoefficientRow(const std::string& label, const Coefficient& coefficient, const Axis& axis,
                                        const std::string& vif) {
  return {Escape(label), BarMark(EstimateOf(coefficient), axis), NumberText(coefficient.value),
          IntervalCell(coefficient.interval), vif};
}

std::string Coefficients(const LabelledDecomposition& labelled) {
  const Decomposition& decomposition = labelled.decomposition;
  std::vector<client::Estimate> estimates;
  for (const Coefficient& coefficient : decomposition.coefficients) estimates.push_back(EstimateOf(coefficient));
  const Axis axis = AxisAroundZero(estimates);
  Table table{"Coefficients", {"Basis", "", "Coefficient", "Interval", "Variance inflation"}, {}};
  for (std::size_t index = 0; index < decomposition.coefficients.size(); ++index) {
    const auto& vif = decomposition.vif;
    table.rows.push_back(CoefficientRow(labelled.basis[index], decomposition.coefficients[index], axis,
                                        index < vif.size() ? NumberText(vif[index], 3) : kUndefined));
  }
  if (decomposition.intercept) {
    // In the pattern's own units: not on the axis of the coefficients.
    table.rows.push_back({"Intercept", "", NumberText(decomposition.intercept->value),
                          IntervalCell(decomposition.intercept->interval), kUndefined});
  }
  return ScrollBox(table.caption, TableMarkup(table));
}

std::string RSquaredRow(const char* name, const std::optional<double>& value, const char* meaning,
                        const char* style = "") {
  return absl::StrCat("<tr class=\"", style, "\"><th scope=\"row\">", name, "<td>",
                      BarMark({value, std::nullopt}, RoundAxis(-1, 1)), "<td>", FixedText(value), "<td class=\"text\">",
                      meaning, "\n");
}

std::string NullRow(const client::PermutationNull& null) {
  const client::Estimate unrelated{null.mean_r2_centred,
                                   client::Interval{null.mean_r2_centred, null.quantile_95_r2_centred}};
  return absl::StrCat("<tr><th scope=\"row\">R² of shuffled targets<td>", BarMark(unrelated, RoundAxis(-1, 1)), "<td>",
                      FixedText(null.mean_r2_centred), "<td class=\"text\">centred: the mean; 95 % lie below ",
                      FixedText(null.quantile_95_r2_centred), ". p = ", NumberText(null.p_value, 3), "\n");
}

std::string Quality(const Decomposition& decomposition) {
  std::string markup =
      "<table class=\"quality\"><caption>Goodness of fit</caption>\n<thead><tr><th scope=\"col\">Measure<th "
      "scope=\"col\">"
      "−1 to 1<th scope=\"col\">Value<th scope=\"col\">Meaning</thead>\n<tbody>\n";
  absl::StrAppend(&markup,
                  RSquaredRow("R² centred", decomposition.quality.r2_centred,
                              "share of the variation between heads that is explained"),
                  RSquaredRow("R² adjusted", decomposition.quality.r2_adjusted,
                              "centred, less what more patterns explain by chance"));
  if (decomposition.r2_with_intercept) {
    absl::StrAppend(&markup, RSquaredRow("R² with an intercept", decomposition.r2_with_intercept,
                                         "centred, of the same fit with an intercept"));
  }
  if (decomposition.permutation_null) absl::StrAppend(&markup, NullRow(*decomposition.permutation_null));
  absl::StrAppend(&markup,
                  RSquaredRow("R² uncentred", decomposition.quality.r2_uncentred, "misleads: see below", "misleading"));
  return ScrollBox("Goodness of fit", markup + "</tbody></table>\n");
}

constexpr char kUncentredNote[] =
    "<p class=\"note\">The uncentred R² compares with 0 instead of the mean. All patterns of positive scores lie far "
    "from "
    "0 in much the same direction, so even unrelated ones “explain” each other with a value well above 0. Read the "
    "centred "
    "R², and hold it against that of shuffled targets.</p>\n";

std::string Conditioning(const Decomposition& decomposition) {
  return absl::StrCat(
      "<p class=\"note\">Condition number of the basis: ", NumberText(decomposition.condition_number, 3),
      "; with patterns scaled to one length: ", NumberText(decomposition.scaled_condition_number, 3),
      ". Where the latter is large (30 and more), or variance inflations are above 10, the basis patterns "
      "resemble each other and their coefficients trade places.</p>\n");
}

std::string Subsets(const LabelledDecomposition& labelled) {
  const auto& subsets = labelled.decomposition.subsets;
  if (subsets.empty()) return "";
  Table table{"Subsets of the basis", {"Basis", "R² adjusted", "R² centred", "Coefficients"}, {}};
  for (const client::SubsetFit& subset : subsets) {
    std::vector<std::string> names, coefficients;
    for (const std::uint32_t member : subset.members) names.push_back(Escape(labelled.basis[member]));
    for (const double value : subset.coefficients) coefficients.push_back(NumberText(value, 3));
    table.rows.push_back({absl::StrJoin(names, " + "), FixedText(subset.quality.r2_adjusted),
                          FixedText(subset.quality.r2_centred), absl::StrJoin(coefficients, ", ")});
  }
  return Details("Subsets of the basis, ranked", ScrollBox(table.caption, TableMarkup(table)));
}

std::string Residuals(const LabelledDecomposition& labelled) {
  const client::Matrix& residuals = labelled.decomposition.residuals;
  if (residuals.values.empty()) return "";
  return absl::StrCat("<h4>What is left</h4>\n",
                      HeadMapGallery({{absl::StrCat("Residuals of ", labelled.target), "", &residuals, nullptr}},
                                     {ColourScale::DivergingOf({&residuals})}));
}

std::string OneDecomposition(const LabelledDecomposition& labelled) {
  std::vector<std::string> basis;
  for (const std::string& label : labelled.basis) basis.push_back(Escape(label));
  const char* fit = labelled.fit == client::Fit::kNnls ? "non-negative least squares" : "ordinary least squares";
  const char* intercept = labelled.decomposition.intercept ? "with an intercept" : "without intercept";
  return absl::StrCat("<h3>", Escape(labelled.target), "</h3>\n<p>", Escape(labelled.target), " ≈ ",
                      absl::StrJoin(basis, " + "), ", each times its coefficient: ", fit, ", ", intercept, ".</p>\n",
                      Coefficients(labelled), Conditioning(labelled.decomposition), Quality(labelled.decomposition),
                      kUncentredNote, Subsets(labelled), Residuals(labelled));
}

}  // namespace

std::string DecompositionSection(const Report& report) {
  std::string markup;
  for (const LabelledDecomposition& labelled : report.decompositions) {
    absl::StrAppend(&markup, OneDecomposition(labelled));
  }
  return markup;
}

}  // namespace headscope::report
