#include "client/report/report.h"

#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "client/report/html.h"
#include "client/report/number_text.h"
#include "client/report/resources.h"
#include "client/report/sections.h"
#include "proto/support/sha256.h"

namespace headscope::report {
namespace {

struct Section {
  const char* id;
  const char* title;
  std::string markup;
};

// Those that have something to show, in the order of the page.
std::vector<Section> Sections(const Report& report) {
  std::vector<Section> sections = {{"patterns", "Patterns", PatternsSection(report)},
                                   {"differences", "Differences", DifferencesSection(report)},
                                   {"dispersion", "Dispersion", DispersionSection(report)},
                                   {"similarity", "Similarity", SimilaritySection(report)},
                                   {"trajectories", "Trajectories", TrackSection(report)},
                                   {"decomposition", "Decomposition", DecompositionSection(report)},
                                   {"provenance", "Provenance", ProvenanceSection(report)}};
  std::erase_if(sections, [](const Section& section) { return section.markup.empty(); });
  return sections;
}

// Nothing may be loaded from anywhere, and no script may run but ours.
std::string SecurityPolicy() {
  return absl::StrCat(
      "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'unsafe-inline'; script-src 'sha256-",
      absl::Base64Escape(Sha256Of(kScript)), "'");
}

std::string Head(const Report& report) {
  return absl::StrCat("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
                      "<meta http-equiv=\"Content-Security-Policy\" content=\"", SecurityPolicy(), "\">\n",
                      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
                      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>", Escape(report.title),
                      "</title>\n<style>\n", kStyle, "</style>\n</head>\n");
}

std::string Header(const Report& report, const std::vector<Section>& sections) {
  const client::Matrix& values = report.patterns.front().values;
  std::string markup = absl::StrCat("<a class=\"skip\" href=\"#main\">To the content</a>\n<header>\n<h1>",
                                    Escape(report.title), "</h1>\n<p>", CountText(report.patterns.size(), "pattern"),
                                    " of attention heads, ", CountText(values.rows, "layer"), " by ",
                                    CountText(values.columns, "head"), ".</p>\n<nav aria-label=\"Sections\"><ul>\n");
  for (const Section& section : sections) {
    absl::StrAppend(&markup, "<li><a href=\"#", section.id, "\">", section.title, "</a>\n");
  }
  return markup + "</ul></nav>\n</header>\n";
}

}  // namespace

std::string WriteReport(const Report& report) {
  const std::vector<Section> sections = Sections(report);
  std::string page = absl::StrCat(Head(report), "<body>\n", Header(report, sections), "<main id=\"main\">\n");
  for (const Section& section : sections) {
    absl::StrAppend(&page, "<section id=\"", section.id, "\" aria-labelledby=\"", section.id, "-title\">\n<h2 id=\"",
                    section.id, "-title\">", section.title, "</h2>\n", section.markup, "</section>\n");
  }
  return absl::StrCat(page, "</main>\n<footer><p>Written by Headscope. – : not defined.</p></footer>\n<script>",
                      kScript, "</script>\n</body>\n</html>\n");
}

}  // namespace headscope::report
