#include <vector>

#include "absl/strings/str_cat.h"
#include "client/report/head_map.h"
#include "client/report/sections.h"

namespace headscope::report {
namespace {

constexpr char kIntroduction[] =
    "<p>One cell per attention head, on one colour scale for all maps. <label class=\"switch\"><input "
    "type=\"checkbox\" "
    "id=\"small-values\"> Emphasise small values</label></p>\n";

// What the switch does cannot be seen from the legend's ends alone.
constexpr char kSmallValues[] =
    "<p class=\"note small-values-note\">Colours follow the square root of the size in all maps of this page; the "
    "legends "
    "show them.</p>\n";

}  // namespace

std::string PatternsSection(const Report& report) {
  std::vector<HeadMap> maps;
  std::vector<const client::Matrix*> matrices;
  for (const LabelledPattern& pattern : report.patterns) {
    maps.push_back({pattern.label, pattern.subtitle, &pattern.values,
                    pattern.standard_error ? &*pattern.standard_error : nullptr});
    matrices.push_back(&pattern.values);
  }
  return absl::StrCat(kIntroduction, kSmallValues, HeadMapGallery(maps, ColourScale::Of(matrices)));
}

}  // namespace headscope::report
