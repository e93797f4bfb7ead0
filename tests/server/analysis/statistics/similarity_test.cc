#include "server/analysis/statistics/similarity.h"

#include <gmock/gmock.h>

#include <cmath>

#include "server/analysis/statistics/resampling.h"
#include "tests/fakes/status_matchers.h"
#include "tests/server/analysis/statistics/expected.h"

namespace headscope::server {
namespace {

const std::vector<std::pair<std::string, Measure>> kMeasures = {{"pearson", Measure::kPearson},
                                                                {"spearman", Measure::kSpearman},
                                                                {"kendall_tau_b", Measure::kKendallTauB},
                                                                {"cosine", Measure::kCosine},
                                                                {"mse", Measure::kMse},
                                                                {"top_k_overlap", Measure::kTopKOverlap},
                                                                {"top_k_jaccard", Measure::kTopKJaccard},
                                                                {"rbo", Measure::kRankBiasedOverlap}};
constexpr SimilarityOptions kOptions{7, 0.9, HeadOrder::kValue};

double Of(Measure measure, const PatternMatrix& left, const PatternMatrix& right, bool without_layer_means = false,
          const SimilarityOptions& options = kOptions) {
  const Comparison comparison{measure, without_layer_means};
  return Similarity(comparison, Prepare(comparison, left, options), Prepare(comparison, right, options), options);
}

TEST(SimilarityTest, AgreesWithSciPy) {
  for (const auto& pair : Expected()["similarity"]) {
    const PatternMatrix left = Named(pair["left"]);
    const PatternMatrix right = Named(pair["right"]);
    for (const auto& [name, measure] : kMeasures) {
      const std::string what = pair["left"].get<std::string>() + " " + pair["right"].get<std::string>() + " " + name;
      ExpectNear(pair["plain"][name], Of(measure, left, right), what);
      // Means leave rounding on values that would be tied: orders of tied patterns are not SciPy's.
      const bool tied = pair["left"] == "tied" || pair["right"] == "tied";
      if (tied && measure != Measure::kPearson && measure != Measure::kCosine && measure != Measure::kMse) continue;
      ExpectNear(pair["without_layer_means"][name], Of(measure, left, right, true), what + " without layer means");
    }
  }
}

TEST(SimilarityTest, ChanceAgreesWithTheHypergeometricDistribution) {
  for (const auto& expected : Expected()["by_chance"]) {
    ExpectNear(expected["overlap"], OverlapByChance(expected["k"], expected["n"]), "overlap");
    EXPECT_NEAR(expected["jaccard"].get<double>(), JaccardByChance(expected["k"], expected["n"]), 1e-10);
  }
}

TEST(SimilarityTest, IsSymmetricAndPermutationsOfTheHeadsDoNotCount) {
  const PatternMatrix left = RandomPattern(1);
  const PatternMatrix right = RandomPattern(2);
  RandomStream random(3, 0);
  const std::vector<std::uint32_t> from = ShuffledHeads(left, Shuffle::kWithinLayers, random);
  for (const auto& [name, measure] : kMeasures) {
    for (const bool without : {false, true}) {
      const double value = Of(measure, left, right, without);
      EXPECT_NEAR(Of(measure, right, left, without), value, kTolerance) << name;
      EXPECT_NEAR(Of(measure, Taken(left, from), Taken(right, from), without), value, kTolerance) << name;
    }
  }
}

TEST(SimilarityTest, OnlyTheMeanSquareKnowsTheScale) {
  const PatternMatrix left = RandomPattern(1);
  const PatternMatrix right = RandomPattern(2);
  for (const auto& [name, measure] : kMeasures) {
    const double value = Of(measure, left, right);
    const double scaled = Of(measure, Scaled(left, 8), Scaled(right, 8));
    EXPECT_NEAR(scaled, measure == Measure::kMse ? 64 * value : value, 1e-9) << name;
  }
}

TEST(SimilarityTest, LayerTrendAlonePassesForSimilarityUntilItIsRemoved) {
  // Unrelated patterns, both growing with depth.
  PatternMatrix left = RandomPattern(11, 8, 32);
  PatternMatrix right = RandomPattern(12, 8, 32);
  for (std::size_t i = 0; i < left.size(); ++i) {
    left.values[i] += 10 * static_cast<double>(i / 32);
    right.values[i] += 10 * static_cast<double>(i / 32);
  }
  EXPECT_GT(Of(Measure::kPearson, left, right), 0.9);
  EXPECT_LT(std::fabs(Of(Measure::kPearson, left, right, true)), 0.2);
}

TEST(SimilarityTest, ConstantAndZeroPatternsHaveNoCorrelation) {
  const PatternMatrix constant = Matrix(2, 2, {0.1, 0.1, 0.1, 0.1});
  const PatternMatrix zero = Matrix(2, 2, {0, 0, 0, 0});
  const PatternMatrix other = Matrix(2, 2, {1, 2, 3, 4});
  const SimilarityOptions options{2, 0.9, HeadOrder::kValue};
  for (const Measure measure : {Measure::kPearson, Measure::kSpearman, Measure::kKendallTauB}) {
    EXPECT_TRUE(std::isnan(Of(measure, constant, other, false, options)));
    EXPECT_TRUE(std::isnan(Of(measure, other, constant, false, options)));
  }
  EXPECT_TRUE(std::isnan(Of(Measure::kCosine, zero, other, false, options)));
  EXPECT_DOUBLE_EQ(Of(Measure::kCosine, constant, constant, false, options), 1);
  // Without layer means a pattern with one head a layer is 0.
  EXPECT_TRUE(std::isnan(Of(Measure::kPearson, Matrix(3, 1, {1, 2, 3}), Matrix(3, 1, {1, 2, 4}), true, options)));
  // Ties go to the first heads.
  EXPECT_DOUBLE_EQ(Of(Measure::kTopKOverlap, constant, other, false, options), 0);
}

TEST(SimilarityTest, OneHeadHasDefinedAnswers) {
  const PatternMatrix one = Matrix(1, 1, {2});
  const SimilarityOptions options{1, 0.9, HeadOrder::kValue};
  EXPECT_TRUE(std::isnan(Of(Measure::kPearson, one, one, false, options)));
  EXPECT_DOUBLE_EQ(Of(Measure::kCosine, one, one, false, options), 1);
  EXPECT_DOUBLE_EQ(Of(Measure::kTopKJaccard, one, one, false, options), 1);
  EXPECT_DOUBLE_EQ(Of(Measure::kRankBiasedOverlap, one, one, false, options), 1);
  EXPECT_DOUBLE_EQ(Of(Measure::kMse, one, Matrix(1, 1, {5}), false, options), 9);
}

TEST(SimilarityTest, KendallByHand) {
  // Of 6 pairs 4 agree and 2 do not.
  EXPECT_DOUBLE_EQ(Of(Measure::kKendallTauB, Matrix(1, 4, {1, 2, 3, 4}), Matrix(1, 4, {2, 1, 4, 3}), false,
                      {1, 0.9, HeadOrder::kValue}),
                   1.0 / 3);
}

TEST(SimilarityMatrixTest, EntriesAreThoseOfThePairs) {
  std::vector<PatternMatrix> patterns;
  for (std::uint64_t seed = 0; seed < 70; ++seed) patterns.push_back(RandomPattern(seed));
  patterns.push_back(Matrix(4, 8, std::vector<double>(32, 1)));
  const std::size_t n = patterns.size();
  for (const auto& [name, measure] : kMeasures) {
    const Comparison comparison{measure, false};
    const auto matrix = SimilarityMatrix(comparison, patterns, kOptions, KeepGoing);
    ASSERT_TRUE(matrix.ok());
    for (const auto& [row, column] : std::vector<std::pair<std::size_t, std::size_t>>{{0, 1}, {69, 3}, {33, 65}}) {
      EXPECT_EQ((*matrix)[row * n + column], Of(measure, patterns[row], patterns[column])) << name;
      EXPECT_EQ((*matrix)[row * n + column], (*matrix)[column * n + row]);
    }
    EXPECT_EQ((*matrix)[5 * n + 5], measure == Measure::kMse ? 0 : 1) << name;
  }
  const auto pearson = SimilarityMatrix({Measure::kPearson, false}, patterns, kOptions, KeepGoing);
  EXPECT_TRUE(std::isnan(pearson->back()));
}

TEST(SimilarityMatrixTest, StopsWhenNobodyWaits) {
  const auto stop = [] { return absl::CancelledError("gone"); };
  EXPECT_TRUE(
      absl::IsCancelled(SimilarityMatrix({Measure::kPearson, false}, {RandomPattern(1)}, kOptions, stop).status()));
}

}  // namespace
}  // namespace headscope::server
