#include "worker/tensor/kernels.h"

#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "worker/tensor/torch_runtime.h"

namespace headscope::worker {
namespace {

at::Tensor Doubles(std::vector<double> values) { return at::tensor(values, at::kDouble); }

void ExpectClose(const at::Tensor& actual, const at::Tensor& expected, double tolerance) {
  ASSERT_EQ(actual.sizes(), expected.sizes());
  EXPECT_LE((actual - expected).abs().max().item<double>(), tolerance) << actual << expected;
}

TEST(KernelsTest, LayerNormCentresScalesAndShifts) {
  const at::Tensor y = LayerNorm(Doubles({1, 3}), Doubles({2, 5}), Doubles({10, 20}), 0.0);
  ExpectClose(y, Doubles({8, 25}), 1e-12);
}

TEST(KernelsTest, RmsNormDividesByRootMeanSquare) {
  // mean square of (3, 4) is 12.5; epsilon 12.5 makes it 25.
  ExpectClose(RmsNorm(Doubles({3, 4}), Doubles({5, 10}), 12.5, false), Doubles({3, 8}), 1e-12);
}

TEST(KernelsTest, RmsNormCanMultiplyByOnePlusWeight) {
  ExpectClose(RmsNorm(Doubles({3, 4}), Doubles({4, 9}), 12.5, true), Doubles({3, 8}), 1e-12);
}

TEST(KernelsTest, RmsNormOfBfloat16NormalisesInFloat32) {
  const at::Tensor x = Doubles({1, 2, 3, 4}).to(at::kBFloat16);
  const at::Tensor weight = at::ones({4}, at::kBFloat16);
  const at::Tensor expected = RmsNorm(Doubles({1, 2, 3, 4}), at::ones({4}, at::kDouble), 1e-6, false);
  const at::Tensor y = RmsNorm(x, weight, 1e-6, false);
  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(y.equal(expected.to(at::kFloat).to(at::kBFloat16)));
}

TEST(KernelsTest, RopeTurnsHalfSplitPairsAndPassesTheRest) {
  // One pair, turned by a quarter at position 1; column 2 is not rotated.
  const RopeTable table = MakeRopeTable({static_cast<float>(M_PI / 2)}, 1.0, 2, Doubles({0}));
  const at::Tensor x = Doubles({1, 2, 3, 1, 2, 3}).view({1, 1, 2, 3});
  ExpectClose(ApplyRope(x, table), Doubles({1, 2, 3, -2, 1, 3}).view({1, 1, 2, 3}), 1e-6);
}

TEST(KernelsTest, RopeScalingMultipliesCosineAndSine) {
  const RopeTable table = MakeRopeTable({0.5f}, 2.0, 2, Doubles({0}));
  EXPECT_NEAR(table.cosine[1][0].item<double>(), 2 * std::cos(0.5), 1e-6);
  EXPECT_NEAR(table.sine[1][0].item<double>(), 2 * std::sin(0.5), 1e-6);
}

TEST(KernelsTest, RopeAnglesAreFloat32ProductsAtAnyPosition) {
  const float frequency = 0.7498942f;
  const RopeTable table = MakeRopeTable({frequency}, 1.0, 8193, Doubles({0}));
  for (const int position : {0, 1, 8191, 8192}) {
    const double angle = static_cast<float>(position) * frequency;
    EXPECT_NEAR(table.cosine[position][0].item<double>(), std::cos(angle), 1e-6) << position;
    EXPECT_NEAR(table.sine[position][0].item<double>(), std::sin(angle), 1e-6) << position;
  }
}

TEST(KernelsTest, RopeEntriesDependOnPositionAndFrequencyAlone) {
  // 12 pairs at 700 positions: more than one thread is given of LibTorch's own elementwise operations.
  std::vector<float> frequencies;
  for (int pair = 0; pair < 12; ++pair) frequencies.push_back(std::pow(10'000.0f, -static_cast<float>(pair) / 12));
  const int before = ComputeThreads();
  SetComputeThreads(1);
  const RopeTable one = MakeRopeTable(frequencies, 1.0, 700, Doubles({0}));
  SetComputeThreads(3);
  for (const std::int64_t positions : {1, 211, 397, 700}) {
    const RopeTable table = MakeRopeTable(frequencies, 1.0, positions, Doubles({0}));
    EXPECT_TRUE(table.cosine.equal(one.cosine.narrow(0, 0, positions))) << positions;
    EXPECT_TRUE(table.sine.equal(one.sine.narrow(0, 0, positions))) << positions;
  }
  SetComputeThreads(before);
}

TEST(KernelsTest, HiddenKeysAreLaterOnesAndThoseBeforeTheWindow) {
  const at::Tensor causal = HiddenKeys(3, std::nullopt, at::kCPU);
  EXPECT_TRUE(causal.equal(at::tensor({0, 1, 1, 0, 0, 1, 0, 0, 0}).view({3, 3}).to(at::kBool)));
  const at::Tensor windowed = HiddenKeys(3, 2, at::kCPU);
  EXPECT_TRUE(windowed.equal(at::tensor({0, 1, 1, 0, 0, 1, 1, 0, 0}).view({3, 3}).to(at::kBool)));
}

TEST(KernelsTest, EqualScoresAverageTheVisibleValues) {
  const at::Tensor query = at::zeros({1, 1, 3, 2}, at::kDouble);
  const at::Tensor value = Doubles({3, 0, 6, 3, 9, 6}).view({1, 1, 3, 2});
  const at::Tensor z = Attend(query, query, value, HiddenKeys(3, std::nullopt, at::kCPU), 1.0, std::nullopt);
  ExpectClose(z, Doubles({3, 0, 4.5, 1.5, 6, 3}).view({1, 1, 3, 2}), 1e-12);
}

TEST(KernelsTest, NeighbouringQueryHeadsShareAKeyValueHead) {
  const at::Tensor query = at::zeros({1, 4, 1, 1}, at::kDouble);
  const at::Tensor value = Doubles({7, 8}).view({1, 2, 1, 1});
  const at::Tensor key = at::zeros({1, 2, 1, 1}, at::kDouble);
  const at::Tensor z = Attend(query, key, value, HiddenKeys(1, std::nullopt, at::kCPU), 1.0, std::nullopt);
  ExpectClose(z.flatten(), Doubles({7, 7, 8, 8}), 1e-12);
}

TEST(KernelsTest, ScoresAreScaledThenCappedThenMasked) {
  const at::Tensor query = Doubles({0, 1}).view({1, 1, 2, 1});
  const at::Tensor key = Doubles({30, 10}).view({1, 1, 2, 1});
  const at::Tensor value = Doubles({1, 0}).view({1, 1, 2, 1});
  const at::Tensor z = Attend(query, key, value, HiddenKeys(2, std::nullopt, at::kCPU), 0.1, 2.0);
  const double first = std::exp(2 * std::tanh(3.0 / 2)), second = std::exp(2 * std::tanh(1.0 / 2));
  ExpectClose(z.flatten(), Doubles({1, first / (first + second)}), 1e-12);
}

}  // namespace
}  // namespace headscope::worker
