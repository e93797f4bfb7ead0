#include <cmath>
#include <utility>

#include "tests/worker/tensor/cpu/kernel_numbers.h"
#include "tests/worker/tensor/cpu/kernel_tables_under_test.h"

namespace headscope::worker {
namespace {

constexpr ActivationKind kKinds[] = {ActivationKind::kRelu, ActivationKind::kGelu, ActivationKind::kGeluTanh,
                                     ActivationKind::kSilu};

// f(x) and f'(x) by the textbook.
std::pair<double, double> Truth(ActivationKind kind, double x) {
  switch (kind) {
    case ActivationKind::kRelu:
      return {x > 0 ? x : 0, x > 0 ? 1 : 0};
    case ActivationKind::kGelu: {
      const double below = 0.5 * std::erfc(-x / std::sqrt(2.0));
      return {x * below, below + x * std::exp(-x * x / 2) / std::sqrt(2 * M_PI)};
    }
    case ActivationKind::kGeluTanh: {
      // (1 + tanh u) / 2 without cancellation.
      const double u = std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x), half = 1 / (1 + std::exp(-2 * u));
      const double slope = std::sqrt(2 / M_PI) * (1 + 3 * 0.044715 * x * x);
      return {x * half, half + 2 * x * slope * half / (1 + std::exp(2 * u))};
    }
    case ActivationKind::kSilu: {
      const double sigmoid = 1 / (1 + std::exp(-x));
      return {x * sigmoid, sigmoid + x * sigmoid / (1 + std::exp(x))};
    }
  }
  return {0, 0};
}

// From where the results are tiny to where they are saturated.
std::vector<float> Arguments() {
  std::vector<float> x = {0.0f, -0.0f, 1e-30f, -1e-30f, 1e-6f, 20.0f, 100.0f, 1e4f, 1e15f, -20.0f, -100.0f, -1e15f};
  for (int i = -8000; i <= 8000; ++i) x.push_back(static_cast<float>(i) * 0.000937f);
  return x;
}

class KernelActivationTest : public KernelTest {};

TEST_P(KernelActivationTest, ValueAndDerivativeAreExact) {
  for (const ActivationKind kind : kKinds) {
    SCOPED_TRACE(static_cast<int>(kind));
    const std::vector<float> x = Arguments();
    std::vector<float> up = x, out(x.size(), NAN);
    kernels().activate(kind, static_cast<std::int64_t>(x.size()), up.data(), out.data());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const auto [value, derivative] = Truth(kind, x[i]);
      // Relative even in the tails, where an exponent of some 60 is itself rounded; results below 1e-30 may be 0.
      // Derivatives cross 0 and are compared with 1.
      ASSERT_NEAR(out[i], value, 1e-5 * std::abs(value) + 1e-30) << x[i];
      ASSERT_NEAR(up[i], derivative, 5e-7) << x[i];
    }
  }
}

TEST_P(KernelActivationTest, ErrorNearZeroIsRoundingOnly) {
  for (const ActivationKind kind : {ActivationKind::kGelu, ActivationKind::kGeluTanh, ActivationKind::kSilu}) {
    const std::vector<float> x = RandomFloats(5001, 3);
    std::vector<float> up = x, out(x.size());
    std::vector<double> value, derivative;
    for (const float a : x) value.push_back(Truth(kind, a).first), derivative.push_back(Truth(kind, a).second);
    kernels().activate(kind, static_cast<std::int64_t>(x.size()), up.data(), out.data());
    ExpectNear(out, value, 1.5e-7, "value");
    ExpectNear(up, derivative, 4e-7, "derivative");
  }
}

TEST_P(KernelActivationTest, GatedHasTheDerivativesOfBothFactors) {
  for (const ActivationKind kind : kKinds) {
    SCOPED_TRACE(static_cast<int>(kind));
    for (const std::int64_t size : {1, 5, 19, 4097}) {
      std::vector<float> gate = RandomFloats(size, 5, 2.0f), up = RandomFloats(size, 6), out(gate.size());
      std::vector<double> value, by_gate, by_up;
      for (std::size_t i = 0; i < gate.size(); ++i) {
        const auto [f, derivative] = Truth(kind, gate[i]);
        value.push_back(f * up[i]), by_gate.push_back(derivative * up[i]), by_up.push_back(f);
      }
      kernels().activate_gated(kind, size, gate.data(), up.data(), out.data());
      ExpectNear(out, value, 1e-6, "out", 1e-3);
      ExpectNear(gate, by_gate, 1e-6, "gate", 1e-3);
      ExpectNear(up, by_up, 1e-6, "up", 1e-3);
    }
  }
}

TEST_P(KernelActivationTest, WhatIsNotFiniteStaysVisible) {
  for (const ActivationKind kind : kKinds) {
    for (const float bad : {NAN, INFINITY, -INFINITY}) {
      std::vector<float> up(37, 1.0f), out(37);
      up[20] = up[36] = bad;
      kernels().activate(kind, 37, up.data(), out.data());
      for (const std::size_t i : {20, 36}) EXPECT_FALSE(std::isfinite(out[i])) << static_cast<int>(kind) << bad;
      EXPECT_TRUE(std::isfinite(out[19]) && std::isfinite(out[35]));
    }
  }
}

std::vector<float> ManyActivations(const FloatKernels& kernels) {
  std::vector<float> up = RandomFloats(100003, 7), out(up.size());
  kernels.activate(ActivationKind::kGeluTanh, static_cast<std::int64_t>(up.size()), up.data(), out.data());
  out.insert(out.end(), up.begin(), up.end());
  return out;
}

TEST_P(KernelActivationTest, BytesDoNotDependOnThreads) { ExpectSameBytesWithAnyThreads(&ManyActivations, kernels()); }

INSTANTIATE_TEST_SUITE_P(Tables, KernelActivationTest, testing::ValuesIn(TablesUnderTest()), TableName);

}  // namespace
}  // namespace headscope::worker
