#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/worker/tensor/cpu/attention_case.h"
#include "tests/worker/tensor/cpu/kernel_numbers.h"
#include "tests/worker/tensor/cpu/kernel_tables_under_test.h"

namespace headscope::worker {
namespace {

// Of the largest magnitude of an array. Sums of a few hundred float32 products reach some 1e-6.
constexpr double kTolerance = 2e-6;

class KernelAttentionTest : public KernelTest {
 protected:
  void ExpectTruth(const AttentionShape& shape, double tolerance = kTolerance) {
    const AttentionCase problem(shape);
    const AttentionResult<float> actual = problem.Run(kernels());
    const AttentionResult<double> truth = problem.Truth();
    ExpectNear(actual.z, truth.z, tolerance, "z");
    ExpectNear(actual.lse, truth.lse, tolerance, "lse");
    ExpectNear(actual.dots, truth.dots, tolerance, "dots");
    // Differences of numbers of about 1: rows that see one key have no gradient at all.
    ExpectNear(actual.dq, truth.dq, tolerance, "dq", 1.0);
    ExpectNear(actual.dk, truth.dk, tolerance, "dk", 1.0);
    ExpectNear(actual.dv, truth.dv, tolerance, "dv");
  }
};

TEST_P(KernelAttentionTest, ShortSequencesAreExact) {
  for (const std::int64_t length : {1, 2, 3, 5, 13, 33}) {
    SCOPED_TRACE(length);
    ExpectTruth({.lengths = {length}, .heads = 2, .kv_heads = 2});
  }
}

TEST_P(KernelAttentionTest, EveryHeadDimensionIsExact) {
  for (const std::int64_t head_dim : {1, 6, 20, 32, 64, 80, 96, 112, 128, 256}) {
    SCOPED_TRACE(head_dim);
    ExpectTruth({.lengths = {60, 1, 7}, .heads = 2, .kv_heads = 2, .head_dim = head_dim});
  }
}

TEST_P(KernelAttentionTest, ManyBlocksAreExact) {
  for (const std::int64_t length : {95, 97, 129, 200, 480, 769}) {
    SCOPED_TRACE(length);
    ExpectTruth({.lengths = {length}, .heads = 1, .kv_heads = 1, .head_dim = 20});
  }
}

TEST_P(KernelAttentionTest, LongSequenceIsExact) { ExpectTruth({.lengths = {2100}, .head_dim = 64}, 4e-6); }

TEST_P(KernelAttentionTest, QueryHeadsOfOneGroupShareKeys) {
  ExpectTruth({.lengths = {60, 131}, .heads = 6, .kv_heads = 2, .head_dim = 16});
  ExpectTruth({.lengths = {40}, .heads = 8, .kv_heads = 1, .head_dim = 6});
}

TEST_P(KernelAttentionTest, WindowsOfEveryLengthAreExact) {
  for (const std::int64_t window : {1, 2, 15, 64, 130, 299, 300, 5000}) {
    SCOPED_TRACE(window);
    ExpectTruth({.lengths = {300, 10}, .heads = 2, .kv_heads = 1, .head_dim = 20, .window = window});
  }
}

TEST_P(KernelAttentionTest, WindowInLongSequenceIsExact) {
  for (const std::int64_t window : {100, 700}) {
    SCOPED_TRACE(window);
    ExpectTruth({.lengths = {2100}, .head_dim = 16, .window = window}, 4e-6);
  }
}

TEST_P(KernelAttentionTest, SoftCapIsExact) {
  for (const float cap : {0.5f, 2.0f, 50.0f}) {
    SCOPED_TRACE(cap);
    ExpectTruth({.lengths = {150, 3}, .heads = 2, .kv_heads = 2, .head_dim = 32, .window = 70, .soft_cap = cap});
  }
}

TEST_P(KernelAttentionTest, EqualScoresAverageTheVisibleValues) {
  AttentionCase problem({.lengths = {3}, .head_dim = 2});
  std::fill(problem.q.begin(), problem.q.end(), 0.0f);
  problem.v = {3, 0, 6, 3, 9, 6};
  const AttentionResult<float> result = problem.Run(kernels());
  ExpectNear(result.z, {3, 0, 4.5, 1.5, 6, 3}, 1e-7, "z");
  ExpectNear(result.lse, {0, std::log(2.0), std::log(3.0)}, 1e-7, "lse");
}

TEST_P(KernelAttentionTest, LargeScoresDoNotOverflow) {
  AttentionCase problem({.lengths = {50}, .head_dim = 16});
  for (float& x : problem.q) x *= 1000;
  for (float& x : problem.k) x *= 1000;
  const AttentionResult<float> result = problem.Run(kernels());
  const AttentionResult<double> truth = problem.Truth();
  ExpectNear(result.z, truth.z, kTolerance, "z");
  EXPECT_TRUE(AllFinite(result.dq) && AllFinite(result.dk) && AllFinite(result.dv));
}

TEST_P(KernelAttentionTest, WhatIsNotFiniteReachesEveryRowThatSeesItAndNoOtherSequence) {
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    for (const float cap : {0.0f, 5.0f}) {
      AttentionCase problem({.lengths = {40, 30}, .head_dim = 4, .soft_cap = cap});
      problem.k[39 * 4] = bad;
      const AttentionResult<float> result = problem.Run(kernels());
      EXPECT_FALSE(std::isfinite(result.z[39 * 4])) << bad;
      EXPECT_FALSE(std::isfinite(result.lse[39])) << bad;
      EXPECT_FALSE(std::isfinite(result.dq[39 * 4])) << bad;
      EXPECT_TRUE(AllFinite({result.z.begin() + 40 * 4, result.z.end()}));
      EXPECT_TRUE(AllFinite({result.dk.begin() + 40 * 4, result.dk.end()}));
    }
  }
}

TEST_P(KernelAttentionTest, PackedEqualsAlone) {
  const AttentionShape shape = {.lengths = {60}, .heads = 2, .kv_heads = 2, .head_dim = 20};
  AttentionShape packed_shape = shape;
  packed_shape.lengths = {13, 60, 100};
  const AttentionCase packed(packed_shape);
  AttentionCase alone(shape);
  const auto cut = [](const std::vector<float>& from) {
    return std::vector<float>(from.begin() + 13 * 40, from.begin() + 73 * 40);
  };
  alone.q = cut(packed.q), alone.k = cut(packed.k), alone.v = cut(packed.v), alone.dz = cut(packed.dz);
  const AttentionResult<float> inside = packed.Run(kernels()), outside = alone.Run(kernels());
  EXPECT_EQ(cut(inside.z), outside.z);
  EXPECT_EQ(cut(inside.dq), outside.dq);
  EXPECT_EQ(cut(inside.dk), outside.dk);
  EXPECT_EQ(cut(inside.dv), outside.dv);
}

std::vector<float> EverythingOfOneProblem(const FloatKernels& kernels) {
  const AttentionCase problem({.lengths = {60, 1, 500, 129}, .heads = 4, .kv_heads = 2, .head_dim = 20});
  const AttentionResult<float> result = problem.Run(kernels);
  std::vector<float> all;
  for (const auto* part : {&result.z, &result.lse, &result.dots, &result.dq, &result.dk, &result.dv}) {
    all.insert(all.end(), part->begin(), part->end());
  }
  return all;
}

TEST_P(KernelAttentionTest, BytesDoNotDependOnThreads) {
  ExpectSameBytesWithAnyThreads(&EverythingOfOneProblem, kernels());
}

INSTANTIATE_TEST_SUITE_P(Tables, KernelAttentionTest, testing::ValuesIn(TablesUnderTest()), TableName);

}  // namespace
}  // namespace headscope::worker
