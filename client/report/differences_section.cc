#include <vector>

#include "absl/strings/str_cat.h"
#include "client/report/head_map.h"
#include "client/report/html.h"
#include "client/report/sections.h"

namespace headscope::report {
namespace {

client::Matrix Difference(const client::Matrix& after, const client::Matrix& before) {
  client::Matrix difference = after;
  for (std::size_t index = 0; index < difference.values.size(); ++index) {
    difference.values[index] -= before.values[index];
  }
  return difference;
}

}  // namespace

std::string DifferencesSection(const Report& report) {
  if (report.patterns.size() < 2) return "";
  const LabelledPattern& base = report.patterns[report.base];
  // Complete before it is pointed into.
  std::vector<client::Matrix> differences;
  for (const LabelledPattern& pattern : report.patterns) {
    differences.push_back(Difference(pattern.values, base.values));
  }
  std::vector<HeadMap> maps;
  std::vector<const client::Matrix*> matrices;
  for (std::size_t index = 0; index < differences.size(); ++index) {
    if (index == report.base) continue;
    const std::string label = absl::StrCat(report.patterns[index].label, " − ", base.label);
    maps.push_back({label, "", &differences[index], nullptr});
    matrices.push_back(&differences[index]);
  }
  return absl::StrCat("<p>Each pattern minus <b>", Escape(base.label),
                      "</b>, on one scale for all. Where the base is larger, the difference is negative.</p>\n",
                      HeadMapGallery(maps, {ColourScale::DivergingOf(matrices)}));
}

}  // namespace headscope::report
