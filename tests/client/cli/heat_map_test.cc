#include "client/cli/heat_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace headscope::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(HeatMapTest, CanBeReadWithoutColours) {
  const client::Matrix matrix{2, 3, {0, 0.25, 0.5, 1, 0.75, 0}};

  EXPECT_EQ(HeatMap(matrix, {Colours::kNone, 80}),
            "    head  0  1  2 \n"
            "layer  0    ░░ ▒▒ \n"
            "layer  1 ██ ▓▓    \n"
            "\n"
            "  0   ░░░░▒▒▒▒▓▓▓▓████ 1\n");
}

TEST(HeatMapTest, MarksNegativeValues) {
  const client::Matrix matrix{1, 2, {-1, 1}};

  EXPECT_THAT(HeatMap(matrix, {Colours::kNone, 80}), HasSubstr("layer  0 -█ ██ \n"));
}

TEST(HeatMapTest, ShowsAWideMatrixInBlocks) {
  const client::Matrix matrix{1, 4, {1, 1, 1, 1}};

  const std::string map = HeatMap(matrix, {Colours::kNone, 9 + 2 * 3});

  EXPECT_THAT(map, HasSubstr("    head  0  1 \n"));
  EXPECT_THAT(map, HasSubstr("    head  2  3 \n"));
}

TEST(HeatMapTest, ColoursCellsByDepth) {
  const client::Matrix matrix{1, 1, {1}};

  EXPECT_THAT(HeatMap(matrix, {Colours::kTrueColour, 80}), HasSubstr("\x1b[38;2;253;231;37;48;2;253;231;37m██\x1b[0m"));
  EXPECT_THAT(HeatMap(matrix, {Colours::k256, 80}), HasSubstr("\x1b[38;5;"));
  EXPECT_THAT(HeatMap(matrix, {Colours::kNone, 80}), Not(HasSubstr("\x1b")));
}

TEST(HeatMapTest, SurvivesZerosAndWhatIsNotANumber) {
  EXPECT_THAT(HeatMap({1, 2, {0, 0}}, {Colours::kNone, 80}), HasSubstr("layer  0       \n"));
  EXPECT_THAT(HeatMap({1, 1, {std::nan("")}}, {Colours::kNone, 80}), HasSubstr("??"));
}

TEST(TopHeadsTest, RanksBySize) {
  const auto heads = TopHeads({2, 2, {0.1, -3, 2, 0.1}}, 3);

  ASSERT_EQ(heads.size(), 3);
  EXPECT_EQ(heads[0].head, 1);
  EXPECT_EQ(heads[0].value, -3);
  EXPECT_EQ(heads[1].layer, 1);
  EXPECT_EQ(heads[2].layer, 0);
}

Colours Choose(bool is_terminal, const std::map<std::string, std::string>& variables) {
  return ChooseColours(is_terminal, [&](const std::string& name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
  });
}

TEST(ChooseColoursTest, FollowsTheTerminalAndItsVariables) {
  EXPECT_EQ(Choose(true, {{"TERM", "xterm-256color"}}), Colours::k256);
  EXPECT_EQ(Choose(true, {{"TERM", "xterm"}, {"COLORTERM", "truecolor"}}), Colours::kTrueColour);
  EXPECT_EQ(Choose(true, {{"TERM", "dumb"}}), Colours::kNone);
  EXPECT_EQ(Choose(false, {{"TERM", "xterm"}}), Colours::kNone);
  EXPECT_EQ(Choose(false, {{"CLICOLOR_FORCE", "1"}}), Colours::k256);
  EXPECT_EQ(Choose(true, {{"TERM", "xterm"}, {"NO_COLOR", "1"}, {"CLICOLOR_FORCE", "1"}}), Colours::kNone);
}

}  // namespace
}  // namespace headscope::cli
