#include <vector>

#include "absl/strings/str_cat.h"
#include "client/report/head_map.h"
#include "client/report/sections.h"

namespace headscope::report {
namespace {

constexpr char kIntroduction[] = "<p>One cell for each attention head.</p>\n";

// Patterns of different tasks may differ a hundredfold in size.
constexpr char kScaleSwitch[] =
    "<fieldset class=\"switch\"><legend>Colours</legend>"
    "<label><input type=\"radio\" name=\"scale\" id=\"shared-scale\" checked> one scale for all maps</label> "
    "<label><input type=\"radio\" name=\"scale\" id=\"own-scale\"> each map on its own</label></fieldset>\n";

// What the switch does cannot be seen from the legend's ends alone.
constexpr char kSmallValuesSwitch[] =
    "<p><label class=\"switch\"><input type=\"checkbox\" id=\"small-values\"> Emphasise small values</label></p>\n"
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
  const bool several = maps.size() > 1;
  return absl::StrCat(kIntroduction, several ? kScaleSwitch : "", kSmallValuesSwitch,
                      HeadMapGallery(maps, {ColourScale::Of(matrices), several}));
}

}  // namespace headscope::report
