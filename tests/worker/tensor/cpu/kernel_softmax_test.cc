#include <algorithm>
#include <cmath>

#include "tests/worker/tensor/cpu/kernel_numbers.h"
#include "tests/worker/tensor/cpu/kernel_tables_under_test.h"

namespace headscope::worker {
namespace {

struct RunningSoftmax {
  explicit RunningSoftmax(std::int64_t rows)
      : maximum(static_cast<std::size_t>(rows), -INFINITY), rescale(maximum.size(), NAN), total(maximum.size(), 0.0) {}
  std::vector<float> maximum, rescale;
  std::vector<double> total;
};

class KernelSoftmaxTest : public KernelTest {};

// Goes over `columns` logits a row in chunks and compares with the softmax of them all.
void ExpectSoftmax(const FloatKernels& kernels, std::int64_t rows, std::int64_t columns, std::int64_t chunk,
                   float cap) {
  const std::vector<float> logits = RandomFloats(rows * columns, 11, 6.0f);
  std::vector<float> changed = logits;
  // What the weights of all columns so far add up to, rescaled as it goes: [rows, columns] here.
  std::vector<double> weights(logits.size());
  RunningSoftmax running(rows);
  for (std::int64_t begin = 0; begin < columns; begin += chunk) {
    const std::int64_t end = std::min(begin + chunk, columns);
    kernels.softmax_chunk(rows, end - begin, columns, cap, changed.data() + begin, running.maximum.data(),
                          running.total.data(), running.rescale.data());
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t i = 0; i < begin; ++i) weights[row * columns + i] *= running.rescale[row];
      for (std::int64_t i = begin; i < end; ++i) weights[row * columns + i] = changed[row * columns + i];
    }
  }
  // A capped logit of some 20 is itself rounded to float32.
  const double tolerance = cap == 0 ? 3e-7 : 2e-6;
  for (std::int64_t row = 0; row < rows; ++row) {
    double total = 0;
    for (std::int64_t i = 0; i < columns; ++i) {
      const double l = logits[row * columns + i], capped = cap == 0 ? l : cap * std::tanh(l / cap);
      total += std::exp(capped - running.maximum[row]);
    }
    EXPECT_NEAR(running.total[row], total, tolerance * total);
    for (std::int64_t i = 0; i < columns; ++i) {
      const double l = logits[row * columns + i], tanh = cap == 0 ? 0 : std::tanh(l / cap);
      const double p = std::exp((cap == 0 ? l : cap * tanh) - running.maximum[row]);
      ASSERT_NEAR(weights[row * columns + i], p * (1 - tanh * tanh), tolerance) << row << "," << i;
    }
  }
}

TEST_P(KernelSoftmaxTest, ChunksAddUpToTheWholeSoftmax) {
  ExpectSoftmax(kernels(), 3, 5, 5, 0.0f);
  ExpectSoftmax(kernels(), 7, 1000, 130, 0.0f);
  ExpectSoftmax(kernels(), 5, 9001, 4000, 0.0f);
}

TEST_P(KernelSoftmaxTest, CappedLogitsCarryTheCapsDerivative) {
  ExpectSoftmax(kernels(), 4, 700, 99, 30.0f);
  ExpectSoftmax(kernels(), 4, 700, 700, 2.0f);
}

TEST_P(KernelSoftmaxTest, LargeLogitsDoNotOverflow) {
  std::vector<float> logits = {5000, 4999, -5000, 5001};
  RunningSoftmax running(1);
  kernels().softmax_chunk(1, 4, 4, 0.0f, logits.data(), running.maximum.data(), running.total.data(),
                          running.rescale.data());
  EXPECT_EQ(running.maximum[0], 5001);
  EXPECT_NEAR(running.total[0], 1 + std::exp(-1.0) + std::exp(-2.0), 1e-6);
  EXPECT_EQ(running.rescale[0], 0);
}

TEST_P(KernelSoftmaxTest, ColumnsBeyondTheChunkAreLeftAlone) {
  std::vector<float> logits(40, 1.0f);
  RunningSoftmax running(2);
  kernels().softmax_chunk(2, 17, 20, 0.0f, logits.data(), running.maximum.data(), running.total.data(),
                          running.rescale.data());
  for (const std::size_t i : {17, 18, 19, 37, 38, 39}) EXPECT_EQ(logits[i], 1.0f);
  EXPECT_EQ(running.total[1], 17.0);
}

TEST_P(KernelSoftmaxTest, WhatIsNotFiniteStaysVisible) {
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    for (const float cap : {0.0f, 10.0f}) {
      std::vector<float> logits(66, 1.0f);
      logits[32] = bad;
      RunningSoftmax running(2);
      kernels().softmax_chunk(2, 33, 33, cap, logits.data(), running.maximum.data(), running.total.data(),
                              running.rescale.data());
      EXPECT_FALSE(std::isfinite(running.total[0])) << bad;
      EXPECT_TRUE(std::isfinite(running.total[1]));
    }
  }
}

std::vector<float> ManyLogits(const FloatKernels& kernels) {
  std::vector<float> logits = RandomFloats(50 * 1000, 12);
  RunningSoftmax running(50);
  kernels.softmax_chunk(50, 1000, 1000, 0.0f, logits.data(), running.maximum.data(), running.total.data(),
                        running.rescale.data());
  for (const double total : running.total) logits.push_back(static_cast<float>(total));
  return logits;
}

TEST_P(KernelSoftmaxTest, BytesDoNotDependOnThreads) { ExpectSameBytesWithAnyThreads(&ManyLogits, kernels()); }

INSTANTIATE_TEST_SUITE_P(Tables, KernelSoftmaxTest, testing::ValuesIn(TablesUnderTest()), TableName);

}  // namespace
}  // namespace headscope::worker
