#include "server/analysis/statistics/kendall.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace headscope::server {
namespace {

int Sign(double value) { return (value > 0) - (value < 0); }

// By the definition: every pair is looked at.
double OverAllPairs(const std::vector<double>& x, const std::vector<double>& y) {
  double difference = 0, untied_in_x = 0, untied_in_y = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t j = i + 1; j < x.size(); ++j) {
      difference += Sign(x[i] - x[j]) * Sign(y[i] - y[j]);
      untied_in_x += x[i] != x[j];
      untied_in_y += y[i] != y[j];
    }
  }
  return difference / std::sqrt(untied_in_x) / std::sqrt(untied_in_y);
}

// Of `levels` different values; 0: all differ.
std::vector<double> Values(std::size_t count, int levels, std::mt19937& random) {
  std::vector<double> values(count);
  for (double& value : values) {
    const double drawn = std::generate_canonical<double, 53>(random);
    value = levels == 0 ? drawn : std::floor(drawn * levels);
  }
  return values;
}

TEST(KendallTest, IsWhatItsDefinitionSaysAtEverySizeWithAndWithoutTies) {
  std::mt19937 random(7);
  for (const std::size_t count : {2, 3, 63, 64, 65, 500, 1024, 1025, 2100, 4096, 4097}) {
    for (const auto& [left_levels, right_levels] :
         {std::pair(0, 0), std::pair(0, 9), std::pair(9, 0), std::pair(9, 30)}) {
      std::vector<double> left = Values(count, left_levels, random), right = Values(count, right_levels, random);
      // Not constant, however few they are.
      left[0] = right[0] = -1;
      for (std::size_t i = 0; i < count; i += 3) right[i] += left[i] * 3;
      const double tau = KendallTauB(RanksForKendall(left), RanksForKendall(right));
      EXPECT_NEAR(tau, OverAllPairs(left, right), 1e-12) << count << " " << left_levels << " " << right_levels;
      EXPECT_EQ(tau, KendallTauB(RanksForKendall(right), RanksForKendall(left))) << "symmetric";
    }
  }
}

TEST(KendallTest, OppositeOrdersGiveMinusOne) {
  std::vector<double> up(1000), down(1000);
  for (std::size_t i = 0; i < up.size(); ++i) up[i] = static_cast<double>(i), down[i] = -up[i];
  EXPECT_EQ(KendallTauB(RanksForKendall(up), RanksForKendall(up)), 1);
  EXPECT_EQ(KendallTauB(RanksForKendall(up), RanksForKendall(down)), -1);
}

}  // namespace
}  // namespace headscope::server
