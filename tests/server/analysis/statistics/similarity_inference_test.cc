#include "server/analysis/statistics/similarity_inference.h"

#include <cmath>

#include "tests/server/analysis/statistics/expected.h"

namespace headscope::server {
namespace {

constexpr Comparison kPearson{Measure::kPearson, false};
constexpr SimilarityOptions kOptions{4, 0.9, HeadOrder::kValue};

PatternMatrix Noisy(const PatternMatrix& pattern, std::uint64_t seed) {
  PatternMatrix noisy = RandomPattern(seed, pattern.layers, pattern.heads);
  for (std::size_t i = 0; i < noisy.size(); ++i) noisy.values[i] = 0.3 * noisy.values[i] + pattern.values[i];
  return noisy;
}

TEST(SimilarityInferenceTest, HeadIntervalsHoldTheValueAndRepeat) {
  const PatternMatrix left = RandomPattern(1, 8, 16);
  const PatternMatrix right = Noisy(left, 2);
  const double value =
      Similarity(kPearson, Prepare(kPearson, left, kOptions), Prepare(kPearson, right, kOptions), kOptions);
  const auto interval = HeadInterval(kPearson, left, right, kOptions, {400, 0.95, 5}, KeepGoing);
  ASSERT_TRUE(interval.ok());
  EXPECT_LT(interval->low, value);
  EXPECT_GT(interval->high, value);
  EXPECT_GT(interval->low, 0.8);
  const auto again = HeadInterval(kPearson, left, right, kOptions, {400, 0.95, 5}, KeepGoing);
  EXPECT_EQ(interval->low, again->low);
  const auto narrower = HeadInterval(kPearson, left, right, kOptions, {400, 0.5, 5}, KeepGoing);
  EXPECT_LT(narrower->high - narrower->low, interval->high - interval->low);
  const auto other = HeadInterval(kPearson, left, right, kOptions, {400, 0.95, 6}, KeepGoing);
  EXPECT_NE(interval->low, other->low);
}

TEST(SimilarityInferenceTest, PValuesTellRelatedFromUnrelated) {
  const PatternMatrix left = RandomPattern(1, 8, 16);
  const Permutation permutation{199, Shuffle::kWithinLayers, 3};
  for (const Measure measure : {Measure::kPearson, Measure::kKendallTauB, Measure::kMse, Measure::kTopKOverlap}) {
    const Comparison comparison{measure, false};
    const auto related = PermutationPValue(comparison, left, Noisy(left, 2), kOptions, permutation, KeepGoing);
    EXPECT_LE(*related, 0.02);
    const auto unrelated =
        PermutationPValue(comparison, left, RandomPattern(9, 8, 16), kOptions, permutation, KeepGoing);
    EXPECT_GT(*unrelated, 0.02);
  }
}

TEST(SimilarityInferenceTest, ATrendAlongDepthIsNoEvidenceWithinLayers) {
  PatternMatrix left = RandomPattern(21, 8, 16);
  PatternMatrix right = RandomPattern(22, 8, 16);
  for (std::size_t i = 0; i < left.size(); ++i) {
    left.values[i] += 10 * static_cast<double>(i / 16);
    right.values[i] += 10 * static_cast<double>(i / 16);
  }
  EXPECT_EQ(*PermutationPValue(kPearson, left, right, kOptions, {199, Shuffle::kAllHeads, 3}, KeepGoing),
            *PermutationPValue(kPearson, right, left, kOptions, {199, Shuffle::kAllHeads, 3}, KeepGoing))
      << "symmetric";
  const auto all = PermutationPValue(kPearson, left, right, kOptions, {199, Shuffle::kAllHeads, 3}, KeepGoing);
  const auto within = PermutationPValue(kPearson, left, right, kOptions, {199, Shuffle::kWithinLayers, 3}, KeepGoing);
  EXPECT_LE(*all, 0.01);
  EXPECT_GT(*within, 0.05);
}

TEST(SimilarityInferenceTest, ShufflingEqualHeadsChangesNothing) {
  // Every permutation is as alike: the p-value is exactly 1.
  const PatternMatrix pattern = Matrix(2, 3, {1, 1, 1, 2, 2, 2});
  const auto p = PermutationPValue(kPearson, pattern, pattern, kOptions, {50, Shuffle::kWithinLayers, 1}, KeepGoing);
  EXPECT_EQ(*p, 1);
}

TEST(SimilarityInferenceTest, NotDefinedStaysSo) {
  const PatternMatrix constant = Matrix(2, 2, {1, 1, 1, 1});
  const PatternMatrix other = Matrix(2, 2, {1, 2, 3, 4});
  const SimilarityOptions options{1, 0.9, HeadOrder::kValue};
  EXPECT_TRUE(
      std::isnan(*PermutationPValue(kPearson, constant, other, options, {9, Shuffle::kAllHeads, 1}, KeepGoing)));
  EXPECT_TRUE(std::isnan(HeadInterval(kPearson, constant, other, options, {9, 0.95, 1}, KeepGoing)->low));
}

TEST(SimilarityInferenceTest, SampleIntervalsCompareResampleByResample) {
  const ResampledPatterns left{2, 1, 3, {1, 2, 3, 3, 2, 1}};
  const ResampledPatterns right{2, 1, 3, {1, 2, 3, 1, 2, 3}};
  const auto interval = SampleInterval(kPearson, left, right, kOptions, 0.9, KeepGoing);
  ASSERT_TRUE(interval.ok());
  // Values 1 and -1.
  EXPECT_NEAR(interval->low, -0.9, 1e-12);
  EXPECT_NEAR(interval->high, 0.9, 1e-12);
}

}  // namespace
}  // namespace headscope::server
