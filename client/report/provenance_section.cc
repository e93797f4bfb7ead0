#include "absl/strings/str_cat.h"
#include "client/report/html.h"
#include "client/report/sections.h"

namespace headscope::report {

std::string ProvenanceSection(const Report& report) {
  std::string cards;
  for (const LabelledPattern& pattern : report.patterns) {
    if (pattern.provenance.empty()) continue;
    absl::StrAppend(&cards, "<div class=\"card\"><h3>", Escape(pattern.label), "</h3>\n<dl>\n");
    for (const ProvenanceLine& line : pattern.provenance) {
      absl::StrAppend(&cards, "<div><dt>", Escape(line.name), "</dt><dd>", Escape(line.value), "</dd></div>\n");
    }
    absl::StrAppend(&cards, "</dl></div>\n");
  }
  return cards.empty() ? "" : absl::StrCat("<div class=\"gallery cards\">\n", cards, "</div>\n");
}

}  // namespace headscope::report
