#include "worker/attribution/gradient.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/support/engine_fixture.h"
#include "worker/tools/engine_check_compare.h"

namespace headscope::worker {
namespace {

using ::testing::ElementsAre;

// Answers with given numbers.
class FakeEngine final : public Engine {
 public:
  explicit FakeEngine(GateGradients answer) : answer_(std::move(answer)) {}
  std::string_view name() const override { return "fake"; }
  absl::StatusOr<std::vector<double>> Objectives(const PackedBatch&, const HeadGates&, const CancelCheck&) override {
    return answer_.objective;
  }
  absl::StatusOr<GateGradients> Gradients(const PackedBatch&, const CancelCheck& cancelled) override {
    if (cancelled && cancelled()) return absl::CancelledError("asked to");
    return answer_;
  }

 private:
  GateGradients answer_;
};

// Two samples of 3 and 2 tokens, prompts of 2 and 0.
PackedBatch TwoSamples() {
  PackedBatch batch;
  batch.Add({1, 2, 3}, 2);
  batch.Add({4, 5}, 0);
  return batch;
}

TEST(GradientMethodTest, SumsDByPromptAndResponseQueries) {
  // One layer, two heads, five tokens.
  FakeEngine engine({{0.5, 0.25}, {1, -2, 4, 8, -16, 10, 20, -30, 40, 50}});
  const auto scores = GradientMethod().Score(engine, TwoSamples(), 1, 2, nullptr);
  ASSERT_TRUE(scores.ok()) << scores.status();
  EXPECT_THAT(scores->objective, ElementsAre(0.5, 0.25));
  ASSERT_EQ(scores->planes.size(), 4u);
  EXPECT_EQ(scores->planes[0].name, "prompt_absolute");
  EXPECT_THAT(scores->planes[0].values, ElementsAre(3, 30, 0, 0));
  EXPECT_EQ(scores->planes[1].name, "prompt_signed");
  EXPECT_THAT(scores->planes[1].values, ElementsAre(-1, 30, 0, 0));
  EXPECT_EQ(scores->planes[2].name, "response_absolute");
  EXPECT_THAT(scores->planes[2].values, ElementsAre(4, 30, 24, 90));
  EXPECT_EQ(scores->planes[3].name, "response_signed");
  EXPECT_THAT(scores->planes[3].values, ElementsAre(4, -30, -8, 90));
}

TEST(GradientMethodTest, SumsAreAccumulatedInDouble) {
  PackedBatch batch;
  batch.Add({1, 2, 3, 4}, 3);
  FakeEngine engine({{1.0}, {1e8f, 1.0f, -1e8f, 0.0f}});
  const auto scores = GradientMethod().Score(engine, batch, 1, 1, nullptr);
  ASSERT_TRUE(scores.ok());
  EXPECT_EQ(scores->planes[1].values[0], 1.0f);
}

TEST(GradientMethodTest, ANonFiniteScoreNamesSampleLayerAndHead) {
  std::vector<float> d(2 * 2 * 5, 1.0f);
  d[(1 * 2 + 0) * 5 + 4] = std::numeric_limits<float>::quiet_NaN();
  FakeEngine engine({{1, 1}, d});
  const absl::Status status = GradientMethod().Score(engine, TwoSamples(), 2, 2, nullptr).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(status.message().find("sample 1 of the batch: the score of layer 1, head 0"), absl::string_view::npos)
      << status;
}

TEST(GradientMethodTest, ASampleAloneNeedsNoNumber) {
  PackedBatch batch;
  batch.Add({1, 2, 3}, 1);
  FakeEngine engine({{1.0}, {1.0f, -INFINITY, 1.0f}});
  const absl::Status status = GradientMethod().Score(engine, batch, 1, 1, nullptr).status();
  EXPECT_EQ(status.message().find("the score of layer 0, head 0 is not finite; either the weights"), 0u) << status;
}

TEST(GradientMethodTest, InfinitiesThatCancelAreStillNonFinite) {
  PackedBatch batch;
  batch.Add({1, 2, 3}, 1);
  FakeEngine engine({{1.0}, {3e38f, 3e38f, 3e38f}});
  EXPECT_EQ(GradientMethod().Score(engine, batch, 1, 1, nullptr).status().code(), absl::StatusCode::kDataLoss);
}

TEST(GradientMethodTest, ANonFiniteObjectiveNamesTheSample) {
  FakeEngine engine({{1.0, INFINITY}, std::vector<float>(10, 0.0f)});
  const absl::Status status = GradientMethod().Score(engine, TwoSamples(), 1, 2, nullptr).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(status.message().find("sample 1"), absl::string_view::npos);
}

TEST(GradientMethodTest, PassesTheEnginesErrorsOn) {
  FakeEngine engine({{1, 1}, std::vector<float>(10, 0.0f)});
  EXPECT_EQ(GradientMethod().Score(engine, TwoSamples(), 1, 2, [] { return true; }).status().code(),
            absl::StatusCode::kCancelled);
}

TEST(GradientMethodTest, OnARealModelTheSignedPlanesAddUpToTheGoldenScores) {
  const GoldenCase golden = LoadGolden("llama");
  const TestEngine test = LoadTestEngine(golden.directory, DType::kFloat64);
  const auto scores =
      GradientMethod().Score(*test.engine, BatchOf(golden.samples), test.layers(), test.heads(), nullptr);
  ASSERT_TRUE(scores.ok());
  for (std::size_t sample = 0; sample < golden.samples.size(); ++sample) {
    const HeadMatrix actual = SignedScores(scores->planes[1].values, scores->planes[3].values,
                                           static_cast<std::int64_t>(sample), test.layers(), test.heads());
    EXPECT_LE(RelativeError(actual, golden.samples[sample].signed_scores), 1e-5);
  }
}

}  // namespace
}  // namespace headscope::worker
