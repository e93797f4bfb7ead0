#include "server/analysis/statistics/rank_biased_overlap.h"

#include <cmath>
#include <random>
#include <utility>

#include "server/analysis/statistics/ranks.h"
#include "tests/server/analysis/statistics/expected.h"

namespace headscope::server {
namespace {

double Overlap(const std::vector<std::uint32_t>& left, const std::vector<std::uint32_t>& right, double p) {
  return RankBiasedOverlap(RanksForOverlap(left, p), RanksForOverlap(right, p), p);
}

// By the definition: what is in both down to every depth is counted.
double ByDepths(const std::vector<std::uint32_t>& left, const std::vector<std::uint32_t>& right, double p) {
  double agreement = 0, sum = 0, weight = 1;
  for (std::uint32_t depth = 1; depth <= left.size(); ++depth) {
    double in_left = 0, in_right = 0, in_both = 0;
    for (std::size_t head = 0; head < left.size(); ++head) {
      in_left += left[head] <= depth;
      in_right += right[head] <= depth;
      in_both += left[head] <= depth && right[head] <= depth;
    }
    agreement = 2 * in_both / (in_left + in_right);
    weight *= p;
    sum += weight * agreement;
  }
  return agreement * weight + (1 - p) / p * sum;
}

TEST(RankBiasedOverlapTest, IsWhatItsDefinitionSaysWithAndWithoutTies) {
  std::mt19937 random(3);
  for (const std::size_t heads : {1, 2, 5, 32, 144, 500}) {
    for (const double p : {0.01, 0.5, 0.9, 0.999}) {
      std::vector<double> distinct(heads), also_distinct(heads), tied(heads);
      for (std::size_t i = 0; i < heads; ++i) {
        distinct[i] = std::generate_canonical<double, 53>(random);
        also_distinct[i] = distinct[i] + std::generate_canonical<double, 53>(random);
        tied[i] = std::floor(4 * also_distinct[i]);
      }
      const auto ranks = [](const auto& values) { return CompetitionRanks(values, HeadOrder::kValue); };
      const std::vector<std::uint32_t> a = ranks(distinct), b = ranks(also_distinct), c = ranks(tied);
      for (const auto& [left, right] : {std::pair(a, b), std::pair(a, c), std::pair(c, c)}) {
        EXPECT_NEAR(Overlap(left, right, p), ByDepths(left, right, p), 1e-13) << heads << " heads, p " << p;
        EXPECT_EQ(Overlap(left, right, p), Overlap(right, left, p)) << "symmetric";
        EXPECT_LE(Overlap(left, left, p), 1) << heads << " heads, p " << p;
      }
    }
  }
}

TEST(RankBiasedOverlapTest, EqualRankingsAgreeWholly) {
  EXPECT_NEAR(Overlap({1, 2, 3, 4}, {1, 2, 3, 4}, 0.9), 1, 1e-15);
  EXPECT_NEAR(Overlap({1, 2, 2, 4}, {1, 2, 2, 4}, 0.3), 1, 1e-15);
}

TEST(RankBiasedOverlapTest, LooksAtTheFirstHeadAloneWhereTheRestHasNoWeight) {
  EXPECT_EQ(Overlap({1, 1, 3}, {1, 2, 3}, 1e-320), 2.0 / 3);
  EXPECT_NEAR(Overlap({1, 2, 3}, {2, 1, 3}, 1e-320), 0, 1e-300);
}

TEST(RankBiasedOverlapTest, ByHand) {
  // Heads a, b: first apart, then together. A_1 = 0, A_2 = 1; p^2 + (1 - p) / p * p^2.
  EXPECT_NEAR(Overlap({1, 2}, {2, 1}, 0.5), 0.25 + 0.25, 1e-15);
  // Everything tied against a, b: A_1 = 2 * 1 / 3, A_2 = 1.
  EXPECT_NEAR(Overlap({1, 1}, {1, 2}, 0.5), 0.25 + 0.5 * 2 / 3 + 0.25, 1e-15);
}

TEST(RankBiasedOverlapTest, SmallPersistenceLooksAtTheTop) {
  const std::vector<std::uint32_t> order = {1, 2, 3, 4, 5, 6};
  const std::vector<std::uint32_t> other_end = {1, 2, 3, 4, 6, 5};
  const std::vector<std::uint32_t> other_top = {2, 1, 3, 4, 5, 6};
  EXPECT_GT(Overlap(order, other_end, 0.5), Overlap(order, other_top, 0.5));
  EXPECT_GT(Overlap(order, other_top, 0.9), Overlap(order, other_top, 0.5));
}

}  // namespace
}  // namespace headscope::server
