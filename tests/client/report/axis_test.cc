#include "client/report/axis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headscope::report {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

TEST(RoundAxisTest, HoldsBothEndsInRoundSteps) {
  const Axis axis = RoundAxis(0.12, 0.97);

  EXPECT_THAT(axis.ticks, ElementsAre(DoubleNear(0, 1e-12), DoubleNear(0.5, 1e-12), DoubleNear(1, 1e-12)));
  EXPECT_EQ(axis.least, 0);
  EXPECT_EQ(axis.most, 1);
}

TEST(RoundAxisTest, AddsNoStepBeyondARoundEnd) { EXPECT_THAT(RoundAxis(-2, 2).ticks, ElementsAre(-2, -1, 0, 1, 2)); }

TEST(RoundAxisTest, WorksAtEverySize) {
  for (const double size : {1e-300, 1e-9, 1.0, 3e7, 1e300}) {
    const Axis axis = RoundAxis(-0.3 * size, size);

    EXPECT_LE(axis.least, -0.3 * size);
    EXPECT_GE(axis.most, size);
    EXPECT_GE(axis.ticks.size(), 3);
    EXPECT_LE(axis.ticks.size(), 7);
  }
}

TEST(RoundAxisTest, PutsASingleValueInside) {
  for (const double value : {0.0, 5.0, -1e-8}) {
    const Axis axis = RoundAxis(value, value);

    EXPECT_GT(axis.Share(value), 0);
    EXPECT_LT(axis.Share(value), 1);
  }
}

}  // namespace
}  // namespace headscope::report
