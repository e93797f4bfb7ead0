#include "server/analysis/statistics/rank_biased_overlap.h"

#include "tests/server/analysis/statistics/expected.h"

namespace headscope::server {
namespace {

TEST(RankBiasedOverlapTest, EqualRankingsAgreeWholly) {
  EXPECT_NEAR(RankBiasedOverlap({1, 2, 3, 4}, {1, 2, 3, 4}, 0.9), 1, 1e-15);
  EXPECT_NEAR(RankBiasedOverlap({1, 2, 2, 4}, {1, 2, 2, 4}, 0.3), 1, 1e-15);
}

TEST(RankBiasedOverlapTest, ByHand) {
  // Heads a, b: first apart, then together. A_1 = 0, A_2 = 1; p^2 + (1 - p) / p * p^2.
  EXPECT_NEAR(RankBiasedOverlap({1, 2}, {2, 1}, 0.5), 0.25 + 0.25, 1e-15);
  // Everything tied against a, b: A_1 = 2 * 1 / 3, A_2 = 1.
  EXPECT_NEAR(RankBiasedOverlap({1, 1}, {1, 2}, 0.5), 0.25 + 0.5 * 2 / 3 + 0.25, 1e-15);
}

TEST(RankBiasedOverlapTest, SmallPersistenceLooksAtTheTop) {
  const std::vector<std::uint32_t> order = {1, 2, 3, 4, 5, 6};
  const std::vector<std::uint32_t> other_end = {1, 2, 3, 4, 6, 5};
  const std::vector<std::uint32_t> other_top = {2, 1, 3, 4, 5, 6};
  EXPECT_GT(RankBiasedOverlap(order, other_end, 0.5), RankBiasedOverlap(order, other_top, 0.5));
  EXPECT_GT(RankBiasedOverlap(order, other_top, 0.9), RankBiasedOverlap(order, other_top, 0.5));
}

}  // namespace
}  // namespace headscope::server
