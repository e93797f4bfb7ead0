#include "worker/tools/trainer/example_source.h"

#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headscope::worker {
namespace {

const std::vector<Example>& Rows() {
  static const auto& rows = *new std::vector<Example>{{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}, {"e", "5"}};
  return rows;
}

std::vector<std::string> Prompts(ExampleSource& source, Random& random, std::size_t count) {
  std::vector<std::string> prompts;
  for (std::size_t i = 0; i < count; ++i) prompts.push_back(source.Next(random).prompt);
  return prompts;
}

TEST(RowExamplesTest, EveryRoundHasEveryRowOnce) {
  RowExamples source(Rows());
  Random random(1);
  for (int round = 0; round < 20; ++round) {
    EXPECT_THAT(Prompts(source, random, 5), testing::UnorderedElementsAre("a", "b", "c", "d", "e"));
  }
}

TEST(RowExamplesTest, RoundsHaveOrdersOfTheirOwn) {
  RowExamples source(Rows());
  Random random(1);
  std::set<std::vector<std::string>> orders;
  for (int round = 0; round < 20; ++round) orders.insert(Prompts(source, random, 5));
  EXPECT_GT(orders.size(), 10u);
}

TEST(RowExamplesTest, TheSameSeedGivesTheSameOrder) {
  RowExamples first(Rows()), second(Rows());
  Random one(7), other(7);
  EXPECT_EQ(Prompts(first, one, 50), Prompts(second, other, 50));
}

TEST(RowExamplesTest, OneRowComesAgainAndAgain) {
  RowExamples source(std::vector<Example>{{"a", "1"}});
  Random random(1);
  EXPECT_THAT(Prompts(source, random, 3), testing::ElementsAre("a", "a", "a"));
}

TEST(TaskExamplesTest, ATaskNamedTwiceIsDrawnTwiceAsOften) {
  TaskExamples source({"copy", "sort", "sort"});
  Random random(1);
  int sorts = 0;
  for (const std::string& prompt : Prompts(source, random, 3000)) sorts += prompt.starts_with("sort:") ? 1 : 0;
  // Five deviations of a share of 2/3.
  EXPECT_NEAR(sorts, 2000, 130);
}

}  // namespace
}  // namespace headscope::worker
