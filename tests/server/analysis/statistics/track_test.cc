#include "server/analysis/statistics/track.h"

#include <cmath>

#include "tests/server/analysis/statistics/expected.h"

namespace headscope::server {
namespace {

TEST(TrackTest, ComparesWithFirstPreviousAndLast) {
  const std::vector<TrackPoint> points =
      Track({Matrix(1, 3, {1, 2, 3}), Matrix(1, 3, {1, 2, 6}), Matrix(1, 3, {3, 2, 1})}, 0, false);
  ASSERT_EQ(points.size(), 3u);
  EXPECT_EQ(points[0].against_first.mse, 0);
  EXPECT_FALSE(points[0].against_previous.has_value());
  EXPECT_DOUBLE_EQ(points[1].against_first.mse, 3);
  EXPECT_DOUBLE_EQ(points[1].against_previous->mse, 3);
  EXPECT_DOUBLE_EQ(points[1].against_last.mse, 29.0 / 3);
  EXPECT_DOUBLE_EQ(points[2].against_first.pearson, -1);
  EXPECT_DOUBLE_EQ(points[2].against_previous->spearman, -1);
  EXPECT_DOUBLE_EQ(points[2].against_last.mse, 0);
  EXPECT_DOUBLE_EQ(points[2].against_first.cosine, 10.0 / 14);
  EXPECT_DOUBLE_EQ(*points[0].dispersion.cv, std::sqrt(2.0 / 3) / 2);
}

TEST(TrackTest, OnePatternIsFirstAndLast) {
  const std::vector<TrackPoint> points = Track({Matrix(1, 2, {1, 2})}, 0, false);
  ASSERT_EQ(points.size(), 1u);
  EXPECT_EQ(points[0].against_last.mse, 0);
  EXPECT_DOUBLE_EQ(points[0].against_first.pearson, 1);
}

TEST(TrackTest, ConstantPatternsHaveNoCorrelation) {
  const std::vector<TrackPoint> points = Track({Matrix(1, 2, {1, 1}), Matrix(1, 2, {1, 2})}, 0, false);
  EXPECT_TRUE(std::isnan(points[1].against_previous->pearson));
  EXPECT_FALSE(std::isnan(points[1].against_previous->cosine));
}

}  // namespace
}  // namespace headscope::server
