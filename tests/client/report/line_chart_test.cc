#include "client/report/line_chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headscope::report {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(PlacesTest, AscendingNumbersAreInProportion) {
  EXPECT_THAT(PlacesOf({"0", "100", "1000"}).shares, ElementsAre(0, 0.1, 1));
}

TEST(PlacesTest, EverythingElseIsEven) {
  EXPECT_THAT(PlacesOf({"base", "100", "tuned"}).shares, ElementsAre(0, 0.5, 1));
  EXPECT_THAT(PlacesOf({"100", "10", "1000"}).shares, ElementsAre(0, 0.5, 1));
  EXPECT_THAT(PlacesOf({"0", "inf"}).shares, ElementsAre(0, 1));
  EXPECT_THAT(PlacesOf({"7"}).shares, ElementsAre(0.5));
}

TEST(LineChartTest, LeavesAGapWhereAValueIsNotDefined) {
  const Places places = PlacesOf({"a", "b", "c", "d"});

  const std::string figure = LineChartFigure({"Gini", {{"", {0.2, std::nullopt, 0.4, 0.6}}}}, places);

  // Two strokes: a point by itself, and the line behind the gap.
  const std::size_t line = figure.find("class=\"line\" d=\"");
  const std::string path = figure.substr(line, figure.find("/>", line) - line);
  EXPECT_EQ(std::count(path.begin(), path.end(), 'M'), 2);
  EXPECT_EQ(std::count(path.begin(), path.end(), 'L'), 1);
}

TEST(LineChartTest, SaysInWordsWhereItStartsAndEnds) {
  const Places places = PlacesOf({"base <0>", "tuned"});

  EXPECT_THAT(LineChartFigure({"Gini", {{"", {0.5, 0.33}}}}, places),
              HasSubstr("aria-label=\"Gini: from 0.5 at base &lt;0&gt; to 0.33 at tuned.\""));
  EXPECT_THAT(LineChartFigure({"Cosine", {{"against the last", {std::nullopt, std::nullopt}}}}, places),
              HasSubstr("aria-label=\"Cosine: not defined anywhere.\""));
}

TEST(LineChartTest, KeepsLongLabelsShort) {
  const Places places = PlacesOf({"a", "checkpoint-2000-of-the-second-run"});

  const std::string figure = LineChartFigure({"Gini", {{"", {0.5, 0.33}}}}, places);

  EXPECT_THAT(figure, HasSubstr(">checkpoint-20…</text>"));
  EXPECT_THAT(figure, Not(HasSubstr("second-run</text>")));
}

}  // namespace
}  // namespace headscope::report
