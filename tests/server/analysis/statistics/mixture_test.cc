#include "server/analysis/statistics/mixture.h"

#include <gmock/gmock.h>

#include <cmath>

#include "proto/support/error.h"
#include "tests/server/analysis/statistics/expected.h"

namespace headscope::server {
namespace {

using testing::ElementsAre;

MixtureComponent Part(double coefficient, std::uint64_t floor = 0, std::optional<std::uint64_t> cap = std::nullopt) {
  return {"part", coefficient, floor, cap};
}

std::vector<std::uint64_t> Samples(const std::vector<MixtureComponent>& components, std::uint64_t budget) {
  const auto shares = PlanMixture(components, budget);
  EXPECT_TRUE(shares.ok()) << shares.status();
  std::vector<std::uint64_t> samples;
  for (const MixtureShare& share : shares.value_or(std::vector<MixtureShare>())) samples.push_back(share.samples);
  return samples;
}

TEST(MixtureTest, SharesFollowTheCoefficients) {
  EXPECT_THAT(Samples({Part(0.6), Part(0.3), Part(0.1)}, 1000), ElementsAre(600, 300, 100));
}

TEST(MixtureTest, LargestRemaindersGetTheRest) {
  // 3.33 each: the first gets the tenth. 2.5, 5, 2.5: equal remainders, the earlier.
  EXPECT_THAT(Samples({Part(1), Part(1), Part(1)}, 10), ElementsAre(4, 3, 3));
  EXPECT_THAT(Samples({Part(1), Part(2), Part(1)}, 10), ElementsAre(3, 5, 2));
  // 0.45, 1.35, 7.2.
  EXPECT_THAT(Samples({Part(0.05), Part(0.15), Part(0.8)}, 9), ElementsAre(1, 1, 7));
}

TEST(MixtureTest, SumsToTheBudgetWhateverTheNumbers) {
  RandomStream random(1, 0);
  for (int round = 0; round < 500; ++round) {
    std::vector<MixtureComponent> components;
    for (std::uint64_t i = 0; i < 1 + random.Below(6); ++i) {
      components.push_back(Part(random.Unit() - 0.2, random.Below(5)));
      if (random.Below(3) == 0) components.back().cap = components.back().floor + random.Below(40);
    }
    const std::uint64_t budget = random.Below(100);
    const auto shares = PlanMixture(components, budget);
    if (!shares.ok()) continue;
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < components.size(); ++i) {
      sum += (*shares)[i].samples;
      EXPECT_GE((*shares)[i].samples, components[i].floor);
      EXPECT_LE((*shares)[i].samples, components[i].cap.value_or(budget));
      if (components[i].coefficient <= 0) {
        EXPECT_EQ((*shares)[i].samples, components[i].floor);
      }
    }
    EXPECT_EQ(sum, budget);
  }
}

TEST(MixtureTest, NegativeCoefficientsAreClippedAndTold) {
  const auto shares = PlanMixture({Part(0.5), Part(-0.3), Part(0.5)}, 10);
  EXPECT_EQ((*shares)[1].samples, 0u);
  EXPECT_TRUE((*shares)[1].clipped);
  EXPECT_FALSE((*shares)[0].clipped);
  EXPECT_DOUBLE_EQ((*shares)[0].share, 0.5);
}

TEST(MixtureTest, FloorsAndCapsMoveTheRest) {
  EXPECT_THAT(Samples({Part(8, 0, 20), Part(1), Part(1)}, 100), ElementsAre(20, 40, 40));
  EXPECT_THAT(Samples({Part(8), Part(1, 30), Part(1)}, 100), ElementsAre(62, 30, 8));
  EXPECT_THAT(Samples({Part(1), Part(-1, 5)}, 20), ElementsAre(15, 5));
  const auto shares = PlanMixture({Part(8, 0, 20), Part(1, 45), Part(1)}, 100);
  EXPECT_TRUE((*shares)[0].at_cap);
  EXPECT_TRUE((*shares)[1].at_floor);
  EXPECT_FALSE((*shares)[2].at_floor);
}

TEST(MixtureTest, OnlyTheRatiosOfCoefficientsCount) {
  for (const double size : {1e-308, 1e-100, 1.0, 1e100, 5e307}) {
    const auto shares = PlanMixture({Part(size), Part(3 * size)}, 100);
    ASSERT_TRUE(shares.ok()) << shares.status();
    EXPECT_EQ((*shares)[0].samples, 25u) << size;
    EXPECT_EQ((*shares)[1].samples, 75u) << size;
  }
}

TEST(MixtureTest, WhatCannotBeIsRefused) {
  for (const auto& [components, budget] :
       std::vector<std::pair<std::vector<MixtureComponent>, std::uint64_t>>{{{}, 5},
                                                                            {{Part(NAN)}, 5},
                                                                            {{Part(1, 6, 5)}, 10},
                                                                            {{Part(1, 6), Part(1, 6)}, 10},
                                                                            {{Part(1, 0, 4), Part(1, 0, 4)}, 10},
                                                                            {{Part(-1), Part(0)}, 10}}) {
    EXPECT_EQ(ReasonOf(PlanMixture(components, budget).status()), "BAD_MIXTURE");
  }
}

}  // namespace
}  // namespace headscope::server
