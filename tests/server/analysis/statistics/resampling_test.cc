#include "server/analysis/statistics/resampling.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "tests/server/analysis/statistics/expected.h"

namespace headscope::server {
namespace {

TEST(ResamplingTest, QuantilesAgreeWithNumPy) {
  for (const auto& row : Expected()["quantiles"]) {
    ExpectNear(row[1], Quantile(Named("lognormal").values, row[0]), "quantile");
  }
}

TEST(ResamplingTest, IntervalsLeaveOutWhatIsNotDefined) {
  const Interval interval = PercentileInterval({NAN, 1, 3, NAN}, 0.5);
  EXPECT_DOUBLE_EQ(interval.low, 1.5);
  EXPECT_DOUBLE_EQ(interval.high, 2.5);
  EXPECT_TRUE(std::isnan(PercentileInterval({NAN}, 0.5).low));
}

TEST(ResamplingTest, HeadsStayInTheirLayers) {
  RandomStream random(1, 0);
  const PatternMatrix shape = RandomPattern(1, 3, 5);
  const std::vector<std::uint32_t> resampled = ResampledHeads(shape, random);
  std::vector<std::uint32_t> shuffled = ShuffledHeads(shape, Shuffle::kWithinLayers, random);
  for (std::size_t i = 0; i < shape.size(); ++i) {
    EXPECT_EQ(resampled[i] / 5, i / 5);
    EXPECT_EQ(shuffled[i] / 5, i / 5);
  }
  std::sort(shuffled.begin(), shuffled.end());
  for (std::size_t i = 0; i < shuffled.size(); ++i) EXPECT_EQ(shuffled[i], i);
}

TEST(ResamplingTest, AllHeadsMoveAcrossLayers) {
  RandomStream random(1, 0);
  std::vector<std::uint32_t> shuffled = ShuffledHeads(RandomPattern(1, 3, 5), Shuffle::kAllHeads, random);
  bool moved = false;
  for (std::size_t i = 0; i < shuffled.size(); ++i) moved = moved || shuffled[i] / 5 != i / 5;
  EXPECT_TRUE(moved);
}

}  // namespace
}  // namespace headscope::server
