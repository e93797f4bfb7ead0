#include "server/analysis/statistics/random_stream.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "tests/server/analysis/statistics/expected.h"

namespace headscope::server {
namespace {

TEST(RandomStreamTest, RepeatsAndStreamsDiffer) {
  RandomStream first(1, 0), again(1, 0), stream(1, 1), seed(2, 0);
  const std::uint64_t value = first.Next();
  EXPECT_EQ(value, again.Next());
  EXPECT_NE(value, stream.Next());
  EXPECT_NE(value, seed.Next());
}

TEST(RandomStreamTest, BelowIsUniform) {
  RandomStream random(7, 0);
  std::vector<int> counts(5);
  for (int i = 0; i < 50'000; ++i) ++counts[random.Below(5)];
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 500);
}

TEST(RandomStreamTest, BinomialHasItsMeanAndVariance) {
  RandomStream random(7, 0);
  double sum = 0;
  double squares = 0;
  constexpr int kDraws = 50'000;
  for (int i = 0; i < kDraws; ++i) {
    const auto value = static_cast<double>(random.Binomial(20, 0.1));
    sum += value;
    squares += value * value;
  }
  const double mean = sum / kDraws;
  EXPECT_NEAR(mean, 2, 0.05);
  EXPECT_NEAR(squares / kDraws - mean * mean, 1.8, 0.1);
  EXPECT_EQ(random.Binomial(9, 1), 9u);
  EXPECT_EQ(random.Binomial(0, 0.5), 0u);
}

TEST(RandomStreamTest, ShufflesOnlyItsPart) {
  RandomStream random(3, 0);
  std::vector<int> values = {0, 1, 2, 3, 4, 5, 6, 7};
  random.Shuffle(values, 2, 6);
  EXPECT_EQ(values[1], 1);
  EXPECT_EQ(values[6], 6);
  std::sort(values.begin() + 2, values.begin() + 6);
  EXPECT_THAT(values, testing::ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

}  // namespace
}  // namespace headscope::server
