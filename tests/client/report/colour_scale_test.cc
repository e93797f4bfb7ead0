#include "client/report/colour_scale.h"

#include <gtest/gtest.h>

#include <cmath>

namespace headscope::report {
namespace {

using client::Matrix;

TEST(ColourScaleTest, RunsFromZeroOverAllMatrices) {
  const Matrix small{1, 2, {0.5, 1}};
  const Matrix large{1, 2, {3, 4}};

  const ColourScale scale = ColourScale::Of({&small, &large});

  EXPECT_FALSE(scale.is_diverging());
  EXPECT_EQ(scale.least(), 0);
  EXPECT_EQ(scale.most(), 4);
  EXPECT_EQ(scale.ShadeOf(0), (Shade{Ramp::kSequential, 0}));
  EXPECT_EQ(scale.ShadeOf(4), (Shade{Ramp::kSequential, Shade::kLevels - 1}));
}

TEST(ColourScaleTest, PutsZeroInTheMiddleOfSignedValues) {
  const Matrix matrix{1, 3, {-4, 0, 1}};

  const ColourScale scale = ColourScale::Of({&matrix});

  EXPECT_TRUE(scale.is_diverging());
  EXPECT_EQ(scale.least(), -4);
  EXPECT_EQ(scale.most(), 4);
  EXPECT_EQ(scale.ShadeOf(-1).level, scale.ShadeOf(1).level);
  EXPECT_EQ(scale.ShadeOf(-1).ramp, Ramp::kNegative);
  EXPECT_EQ(scale.ShadeOf(1).ramp, Ramp::kPositive);
}

TEST(ColourScaleTest, LeavesOutWhatIsNotFinite) {
  const Matrix matrix{1, 3, {std::nan(""), INFINITY, 2}};

  const ColourScale scale = ColourScale::Of({&matrix});

  EXPECT_EQ(scale.most(), 2);
  EXPECT_EQ(scale.ShadeOf(std::nan("")).ramp, Ramp::kUndefined);
  EXPECT_EQ(scale.ShadeOf(INFINITY).ramp, Ramp::kUndefined);
}

TEST(ColourScaleTest, ShowsZerosAsTheLowEnd) {
  const Matrix zeros{1, 2, {0, 0}};

  EXPECT_EQ(ColourScale::Of({&zeros}).ShadeOf(0), (Shade{Ramp::kSequential, 0}));
  EXPECT_EQ(ColourScale::DivergingOf({&zeros}).ShadeOf(0), (Shade{Ramp::kPositive, 0}));
}

TEST(ShadeAttributesTest, PlaceTheShadeWhereItsValueLies) {
  EXPECT_EQ(ShadeAttributes({Ramp::kSequential, 0}), "class=\"s\" style=\"--t:0\"");
  EXPECT_EQ(ShadeAttributes({Ramp::kNegative, Shade::kLevels - 1}), "class=\"n\" style=\"--t:1\"");
  // A quarter of the size is half of the levels.
  EXPECT_EQ(ColourScale(4, true).ShadeOf(1).level, 32);
  EXPECT_EQ(ShadeAttributes({Ramp::kPositive, 21}), "class=\"p\" style=\"--t:0.111\"");
  EXPECT_EQ(ShadeAttributes({}), "class=\"u\"");
}

}  // namespace
}  // namespace headscope::report
