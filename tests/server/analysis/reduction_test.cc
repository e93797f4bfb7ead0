// Every step of a reduction, by numbers worked out by hand.
#include "server/analysis/reduction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "proto/support/error.h"

namespace headscope::server {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;

// One layer of two heads; the samples' response tokens are 1, 3 and 2.
//             head 0: prompt, response, |prompt|, |response|    head 1
// sample 0           1         -3          2         5             0   4   0   6
// sample 1          -2         -2          4         3             1   1   2   2
// sample 2           5         -1          6         1            -8   2   9   7
ScoreBlock ThreeSamples() {
  ScoreBlock block;
  block.samples = {0, 1, 4};
  block.tokens = {5, 9, 7};
  block.response_tokens = {1, 3, 2};
  block.objective = {0.5, 0.25, 1.0};
  block.layers = 1;
  block.heads = 2;
  block.planes[kPromptSigned] = {1, 0, -2, 1, 5, -8};
  block.planes[kResponseSigned] = {-3, 4, -2, 1, -1, 2};
  block.planes[kPromptAbsolute] = {2, 0, 4, 2, 6, 9};
  block.planes[kResponseAbsolute] = {5, 6, 3, 2, 1, 7};
  return block;
}

ReducedPattern Reduced(const ReductionOptions& options, const ScoreBlock& block, std::uint32_t kv_heads = 1) {
  auto accumulator = PatternAccumulator::Make(options, {block.layers, block.heads, kv_heads});
  EXPECT_TRUE(accumulator.ok()) << accumulator.status();
  EXPECT_TRUE(accumulator->Add(block).ok());
  auto pattern = accumulator->Finish();
  EXPECT_TRUE(pattern.ok()) << pattern.status();
  return *pattern;
}

TEST(ReductionTest, DefaultIsTheMeanOfAbsoluteSampleScores) {
  const ReducedPattern pattern = Reduced({}, ThreeSamples());
  // |-2| |-4| |4| and |4| |2| |-6|.
  EXPECT_THAT(pattern.values, ElementsAre(DoubleEq(10.0 / 3), DoubleEq(4.0)));
  EXPECT_EQ(pattern.layers, 1u);
  EXPECT_EQ(pattern.heads, 2u);
  EXPECT_EQ(pattern.samples, 3u);
  EXPECT_EQ(pattern.tokens, 21u);
  EXPECT_EQ(pattern.response_tokens, 6u);
}

TEST(ReductionTest, StandardErrorIsTheDeviationOverTheRootOfTheCount) {
  const ReducedPattern pattern = Reduced({}, ThreeSamples());
  // Of 2, 4, 4: variance 4/3 (ddof 1); of 4, 2, 6: variance 4.
  ASSERT_TRUE(pattern.standard_error.has_value());
  EXPECT_THAT(*pattern.standard_error, ElementsAre(DoubleEq(2.0 / 3), DoubleEq(2 / std::sqrt(3.0))));
}

TEST(ReductionTest, SingleSampleHasNoStandardError) {
  ScoreBlock block = ThreeSamples();
  block.samples = {0};
  block.tokens = {5};
  block.response_tokens = {1};
  block.objective = {0.5};
  for (auto& [name, values] : block.planes) values.resize(2);
  EXPECT_FALSE(Reduced({}, block).standard_error.has_value());
}

TEST(ReductionTest, PositionsChooseThePlane) {
  EXPECT_THAT(Reduced({.positions = Positions::kPrompt}, ThreeSamples()).values,
              ElementsAre(DoubleEq(8.0 / 3), DoubleEq(3.0)));
  EXPECT_THAT(Reduced({.positions = Positions::kResponse}, ThreeSamples()).values,
              ElementsAre(DoubleEq(2.0), DoubleEq(7.0 / 3)));
}

TEST(ReductionTest, AbsoluteNoneKeepsSigns) {
  EXPECT_THAT(Reduced({.absolute = Absolute::kNone}, ThreeSamples()).values,
              ElementsAre(DoubleEq(-2.0 / 3), DoubleEq(0.0)));
}

TEST(ReductionTest, AbsolutePerTokenReadsTheAbsolutePlanes) {
  EXPECT_THAT(Reduced({.absolute = Absolute::kPerToken}, ThreeSamples()).values,
              ElementsAre(DoubleEq(7.0), DoubleEq(26.0 / 3)));
  EXPECT_THAT(Reduced({.absolute = Absolute::kPerToken, .positions = Positions::kPrompt}, ThreeSamples()).values,
              ElementsAre(DoubleEq(4.0), DoubleEq(11.0 / 3)));
}

TEST(ReductionTest, SumScalesBySupervisedTokens) {
  // 2*1 4*3 4*2 and 4*1 2*3 6*2.
  EXPECT_THAT(Reduced({.loss_scale = LossScale::kSum}, ThreeSamples()).values,
              ElementsAre(DoubleEq(22.0 / 3), DoubleEq(22.0 / 3)));
}

TEST(ReductionTest, BatchTokenMeanCouplesConsecutiveSamplesAndAShortLastBatch) {
  // Batches {0, 1} with 4 supervised tokens and {2} with 2: (2*1 + 4*3)/4 + 4*2/2 over 3 samples.
  const ReducedPattern pattern = Reduced({.loss_scale = LossScale::kBatchTokenMean, .script_batch = 2}, ThreeSamples());
  EXPECT_THAT(pattern.values, ElementsAre(DoubleEq(7.5 / 3), DoubleEq(8.5 / 3)));
  // Head 0: 0.5, 3, 4 with mean 2.5: squares 4 + 0.25 + 2.25.
  ASSERT_TRUE(pattern.standard_error.has_value());
  EXPECT_NEAR((*pattern.standard_error)[0], std::sqrt(6.5 / 2 / 3), 1e-15);
}

TEST(ReductionTest, BatchOfOneIsThePerSampleMean) {
  EXPECT_THAT(Reduced({.loss_scale = LossScale::kBatchTokenMean, .script_batch = 1}, ThreeSamples()).values,
              ElementsAre(DoubleEq(10.0 / 3), DoubleEq(4.0)));
}

TEST(ReductionTest, LayerNormDividesRowAndErrorByTheNormOfTheMeans) {
  const double norm = std::sqrt(100.0 / 9 + 16);
  const ReducedPattern pattern = Reduced({.layer_norm = LayerNorm::kL2}, ThreeSamples());
  EXPECT_NEAR(pattern.values[0], 10.0 / 3 / norm, 1e-15);
  EXPECT_NEAR(pattern.values[1], 4.0 / norm, 1e-15);
  EXPECT_NEAR((*pattern.standard_error)[0], 2.0 / 3 / norm, 1e-15);
}

TEST(ReductionTest, LayerWithoutScoresStaysZeroUnderLayerNorm) {
  ScoreBlock block = ThreeSamples();
  for (auto& [name, values] : block.planes) std::fill(values.begin(), values.end(), 0.0f);
  EXPECT_THAT(Reduced({.layer_norm = LayerNorm::kL2}, block).values, ElementsAre(0.0, 0.0));
}

TEST(ReductionTest, KvGroupSumsSignedHeadsBeforeTheAbsoluteValue) {
  const ReducedPattern pattern = Reduced({.head_axis = HeadAxis::kKvGroup}, ThreeSamples());
  // |-2 + 4| |-4 + 2| |4 - 6|.
  EXPECT_EQ(pattern.heads, 1u);
  EXPECT_THAT(pattern.values, ElementsAre(DoubleEq(2.0)));
  EXPECT_THAT(*pattern.standard_error, ElementsAre(DoubleEq(0.0)));
}

TEST(ReductionTest, KvGroupOfOneHeadEachIsTheQueryAxis) {
  EXPECT_EQ(Reduced({.head_axis = HeadAxis::kKvGroup}, ThreeSamples(), 2).values, Reduced({}, ThreeSamples()).values);
}

TEST(ReductionTest, RefusesKvGroupsOfPerTokenAbsoluteValues) {
  const ReductionOptions options{.absolute = Absolute::kPerToken, .head_axis = HeadAxis::kKvGroup};
  const auto accumulator = PatternAccumulator::Make(options, {1, 2, 1});
  EXPECT_EQ(accumulator.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(accumulator.status()), "BAD_REDUCTION");
}

TEST(ReductionTest, RefusesKvGroupsOfUnknownNumber) {
  const auto accumulator = PatternAccumulator::Make({.head_axis = HeadAxis::kKvGroup}, {1, 2, 0});
  EXPECT_EQ(accumulator.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(accumulator.status()), "KV_HEADS_UNKNOWN");
}

TEST(ReductionTest, RefusesSamplesThatGoBack) {
  auto accumulator = PatternAccumulator::Make({}, {1, 2, 1});
  ASSERT_TRUE(accumulator->Add(ThreeSamples()).ok());
  EXPECT_EQ(accumulator->Add(ThreeSamples()).code(), absl::StatusCode::kDataLoss);
}

TEST(ReductionTest, RefusesBlocksOfAnotherShapeOrWithoutAPlane) {
  auto other_shape = PatternAccumulator::Make({}, {2, 1, 1});
  EXPECT_EQ(other_shape->Add(ThreeSamples()).code(), absl::StatusCode::kDataLoss);
  ScoreBlock block = ThreeSamples();
  block.planes.erase(kPromptSigned);
  auto accumulator = PatternAccumulator::Make({}, {1, 2, 1});
  EXPECT_EQ(accumulator->Add(block).code(), absl::StatusCode::kDataLoss);
}

TEST(ReductionTest, NothingAddedIsNoPattern) {
  auto accumulator = PatternAccumulator::Make({}, {1, 2, 1});
  EXPECT_EQ(accumulator->Finish().status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace headscope::server
