#include "server/analysis/statistics/ranks.h"

#include <gmock/gmock.h>

#include "tests/server/analysis/statistics/expected.h"

namespace headscope::server {
namespace {

using testing::ElementsAre;

TEST(RanksTest, AverageRanksAgreeWithSciPy) {
  for (const auto& [name, expected] : Expected()["average_ranks"].items()) {
    EXPECT_EQ(AverageRanks(Named(name).values), expected.get<std::vector<double>>()) << name;
  }
}

TEST(RanksTest, EqualValuesComeInTheirOwnOrder) {
  EXPECT_THAT(HeadsInOrder({1, 5, 5, 2}, HeadOrder::kValue), ElementsAre(1, 2, 3, 0));
  EXPECT_THAT(AscendingOrder({1, 5, 5, 2}), ElementsAre(0, 3, 1, 2));
}

TEST(RanksTest, MagnitudeIgnoresTheSign) {
  EXPECT_THAT(HeadsInOrder({1, -5, 4}, HeadOrder::kMagnitude), ElementsAre(1, 2, 0));
  EXPECT_THAT(HeadsInOrder({1, -5, 4}, HeadOrder::kValue), ElementsAre(2, 0, 1));
}

TEST(RanksTest, TiedHeadsShareTheFirstOfTheirRanks) {
  EXPECT_THAT(CompetitionRanks({7, 3, 3, 1}, HeadOrder::kValue), ElementsAre(1, 2, 2, 4));
  EXPECT_THAT(CompetitionRanks({-3, 3, 1}, HeadOrder::kMagnitude), ElementsAre(1, 1, 3));
}

}  // namespace
}  // namespace headscope::server
