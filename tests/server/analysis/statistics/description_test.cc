#include "server/analysis/statistics/description.h"

#include <gmock/gmock.h>

#include "tests/server/analysis/statistics/expected.h"

namespace headscope::server {
namespace {

TEST(DescriptionTest, ListsFirstHeadsAndTotals) {
  const std::vector<double> errors = {0.1, 0.2, 0.3, 0.4};
  DescribeOptions options;
  options.top = 2;
  const Description found = Describe(Matrix(2, 2, {1, 7, 3, 4}), &errors, nullptr, options);
  ASSERT_EQ(found.top_heads.size(), 2u);
  EXPECT_EQ(found.top_heads[0].layer, 0u);
  EXPECT_EQ(found.top_heads[0].head, 1u);
  EXPECT_EQ(found.top_heads[0].value, 7);
  EXPECT_EQ(found.top_heads[0].standard_error, 0.2);
  EXPECT_FALSE(found.top_heads[0].interval.has_value());
  EXPECT_EQ(found.top_heads[1].layer, 1u);
  EXPECT_EQ(found.layer_totals[0].value, 8);
  EXPECT_EQ(found.layer_totals[1].value, 7);
  EXPECT_EQ(found.total.value, 15);
}

TEST(DescriptionTest, TopIsNeverMoreThanThereAre) {
  EXPECT_EQ(Describe(Matrix(1, 1, {1}), nullptr, nullptr, {}).top_heads.size(), 1u);
}

TEST(DescriptionTest, IntervalsArePercentilesOfTheResamples) {
  const PatternMatrix pattern = Matrix(1, 3, {5, 3, 1});
  // The second head leads in one resample of four.
  const ResampledPatterns resampled{4, 1, 3, {5, 3, 1, 6, 2, 1, 4, 3, 1, 1, 9, 1}};
  DescribeOptions options;
  options.top = 1;
  options.level = 0.5;
  const Description found = Describe(pattern, nullptr, &resampled, options);
  ASSERT_EQ(found.top_heads.size(), 1u);
  EXPECT_DOUBLE_EQ(*found.top_heads[0].stability, 0.75);
  // Values 1, 4, 5, 6.
  EXPECT_DOUBLE_EQ(found.top_heads[0].interval->low, 3.25);
  EXPECT_DOUBLE_EQ(found.top_heads[0].interval->high, 5.25);
  // Sums 9, 9, 8, 11.
  EXPECT_DOUBLE_EQ(found.total.interval->low, 8.75);
  ASSERT_TRUE(found.gini.interval.has_value());
  EXPECT_LE(found.gini.interval->low, found.gini.interval->high);
}

TEST(DescriptionTest, WhatIsNotDefinedHasNoInterval) {
  const ResampledPatterns resampled{1, 1, 2, {1, 2}};
  const Description found = Describe(Matrix(1, 2, {-1, 2}), nullptr, &resampled, {});
  EXPECT_FALSE(found.gini.value.has_value());
  EXPECT_FALSE(found.gini.interval.has_value());
  EXPECT_TRUE(found.cv.interval.has_value());
}

}  // namespace
}  // namespace headscope::server
