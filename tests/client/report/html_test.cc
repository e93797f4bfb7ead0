#include "client/report/html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headscope::report {
namespace {

TEST(EscapeTest, LeavesNothingThatMarkupCouldUse) {
  EXPECT_EQ(Escape("<b a=\"1\" c='2'>&amp;</b>"), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;&lt;/b&gt;");
}

TEST(EscapeTest, KeepsTextOfEveryScript) { EXPECT_EQ(Escape("Größe 頭 ✓\tx\n"), "Größe 頭 ✓\tx\n"); }

TEST(EscapeTest, ReplacesWhatIsNoText) {
  EXPECT_EQ(Escape(std::string_view("a\0b", 3)),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(Escape("\x1b[31m"), "\xEF\xBF\xBD[31m");
  EXPECT_EQ(Escape("a\xC3<"), "a\xEF\xBF\xBD&lt;");
  EXPECT_EQ(Escape("\xFF\xFE"), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(ShortenTest, CountsCharactersAndKeepsThemWhole) {
  EXPECT_EQ(Shorten("größe", 5), "größe");
  EXPECT_EQ(Shorten("größer", 5), "größ…");
  EXPECT_EQ(Shorten("", 3), "");
}

TEST(TableTest, NamesRowsAndColumnsForScreenReaders) {
  EXPECT_EQ(TableMarkup({"a & b", {"x", "y"}, {{"1", "2"}}}),
            "<table><caption>a &amp; b</caption>\n<thead><tr><th scope=\"col\">x<th scope=\"col\">y</thead>\n<tbody>\n"
            "<tr><th scope=\"row\">1<td>2\n</tbody></table>\n");
}

}  // namespace
}  // namespace headscope::report
