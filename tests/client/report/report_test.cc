#include "client/report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <regex>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "proto/support/sha256.h"
#include "tests/client/report/sample_report.h"

namespace headscope::report {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using tests::HostileReport;
using tests::SampleReport;
using tests::SinglePattern;

// Ids of the sections, in order.
std::vector<std::string> SectionsOf(const std::string& page) {
  static const std::regex section("<section id=\"([a-z]+)\"");
  std::vector<std::string> ids;
  for (std::sregex_iterator match(page.begin(), page.end(), section), end; match != end; ++match) {
    ids.push_back((*match)[1]);
  }
  return ids;
}

std::size_t Occurrences(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

TEST(ReportTest, ShowsASectionForEverythingThatItHas) {
  EXPECT_THAT(SectionsOf(WriteReport(SampleReport({}))),
              ElementsAre("patterns", "differences", "dispersion", "similarity", "trajectories", "decomposition",
                          "provenance"));
}

TEST(ReportTest, HasNoSectionWithoutData) {
  EXPECT_THAT(SectionsOf(WriteReport(SinglePattern())), ElementsAre("patterns"));

  Report report = SampleReport({});
  report.comparison.reset();
  EXPECT_THAT(SectionsOf(WriteReport(report)),
              ElementsAre("patterns", "differences", "dispersion", "trajectories", "decomposition", "provenance"));
  report.track.clear();
  report.decompositions.clear();
  for (LabelledPattern& pattern : report.patterns) pattern.description.reset();
  EXPECT_THAT(SectionsOf(WriteReport(report)), ElementsAre("patterns", "differences", "provenance"));
}

TEST(ReportTest, LinksEverySectionInItsContents) {
  const std::string page = WriteReport(SampleReport({}));

  for (const std::string& id : SectionsOf(page))
    EXPECT_THAT(page, HasSubstr(absl::StrCat("<li><a href=\"#", id, "\">")));
}

TEST(ReportTest, IsTheSameForTheSameContents) {
  EXPECT_EQ(WriteReport(SampleReport({})), WriteReport(SampleReport({})));
}

TEST(ReportTest, AsksForNothingFromOutside) {
  const std::string page = WriteReport(SampleReport({}));

  for (const char* request : {"http:", "https:", "ftp:", "url(", "src=", "@import", "<link", "<iframe", "<object",
                              "<embed", "fetch(", "import(", "XMLHttpRequest", "WebSocket"}) {
    EXPECT_EQ(Occurrences(page, request), 0) << request;
  }
  EXPECT_FALSE(std::regex_search(page, std::regex("href=\"[^#]")));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
}

TEST(ReportTest, AllowsNoScriptButItsOwn) {
  const std::string page = WriteReport(SampleReport({}));

  const std::size_t begin = page.find("<script>") + 8;
  const std::string script = page.substr(begin, page.find("</script>") - begin);

  EXPECT_EQ(Occurrences(page, "<script"), 1);
  EXPECT_THAT(page, HasSubstr(absl::StrCat("script-src 'sha256-", absl::Base64Escape(Sha256Of(script)), "'")));
}

TEST(ReportTest, ShowsTextAndNeverInterpretsIt) {
  const std::string hostile = "</title><script>alert(1)</script>\" onload='x' &lt;&#60;";

  const std::string page = WriteReport(HostileReport(hostile));

  EXPECT_EQ(Occurrences(page, "<script"), 1);
  EXPECT_THAT(page, Not(HasSubstr("\" onload")));
  EXPECT_THAT(page, Not(HasSubstr("onload='")));
  EXPECT_THAT(page, HasSubstr("<h1>&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot; onload=&#39;x&#39; "
                              "&amp;lt;&amp;#60;</h1>"));
  // Everywhere: title, contents, captions, tables, text alternatives, provenance.
  EXPECT_GT(Occurrences(page, "onload=&#39;x&#39;"), 40);
  // Shortened labels are cut before they are escaped.
  EXPECT_THAT(page, Not(HasSubstr("&quo…")));
}

TEST(ReportTest, ShowsADashForWhatIsNotDefined) {
  const std::string page = WriteReport(HostileReport("x"));

  for (const char* number : {">nan", " nan", "nan<", ":nan", "\"nan", ">inf", " inf<", "\"inf"}) {
    EXPECT_EQ(Occurrences(page, number), 0) << number;
  }
  EXPECT_THAT(page, HasSubstr("<td class=\"u\">–"));
  EXPECT_THAT(page, HasSubstr("<span class=\"number\">–</span>"));
}

TEST(ReportTest, TakesDifferencesFromTheBase) {
  Report report = SinglePattern();
  report.patterns = {
      {"a", "", {1, 1, {1}}, {}, {}, {}}, {"b", "", {1, 1, {4}}, {}, {}, {}}, {"c", "", {1, 1, {2}}, {}, {}, {}}};
  report.base = 1;

  const std::string page = WriteReport(report);

  EXPECT_THAT(page, HasSubstr("Each pattern minus <b>b</b>"));
  EXPECT_THAT(page, HasSubstr("<b>a − b</b>"));
  EXPECT_THAT(page, HasSubstr("Heat map of a − b, 1 layer by 1 head: the largest is layer 0 head 0, −3;"));
  EXPECT_THAT(page, HasSubstr("<b>c − b</b>"));
  EXPECT_THAT(page, Not(HasSubstr("<b>b − b</b>")));
}

TEST(ReportTest, SwitchesLayerMeansOnlyWhereThereAreBoth) {
  Report report = SampleReport({});
  EXPECT_THAT(WriteReport(report), HasSubstr("id=\"means-removed\""));

  std::erase_if(report.comparison->measures, [](const auto& entry) { return !entry.first.second; });
  EXPECT_THAT(WriteReport(report), Not(HasSubstr("id=\"means-removed\"")));
}

TEST(ReportTest, ExplainsWhyTheUncentredRSquaredMisleads) {
  const std::string page = WriteReport(SampleReport({}));

  EXPECT_THAT(page, HasSubstr("R² centred"));
  EXPECT_THAT(page, HasSubstr("even unrelated ones “explain” each other"));
  EXPECT_LT(page.find("R² centred"), page.find("R² uncentred"));
}

TEST(ReportTest, StaysSmallForLargeModels) {
  // 12 patterns and 11 differences of 1,024 heads, numbers included.
  EXPECT_LT(WriteReport(SampleReport({32, 32, 12, false})).size(), 1'500'000);
  // 4 patterns and 3 differences of 5,120 heads.
  EXPECT_LT(WriteReport(SampleReport({80, 64, 4, true})).size(), 2'000'000);
}

}  // namespace
}  // namespace headscope::report
