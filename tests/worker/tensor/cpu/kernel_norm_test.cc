#include <cmath>

#include "tests/worker/tensor/cpu/kernel_numbers.h"
#include "tests/worker/tensor/cpu/kernel_tables_under_test.h"

namespace headscope::worker {
namespace {

constexpr double kTolerance = 2e-6;
constexpr float kEpsilon = 1e-5f;

struct NormCase {
  NormKind kind;
  std::int64_t n, w;
  float gain_offset;
  // gain and bias [w] or empty.
  std::vector<float> x, gain, bias, dout;
};

NormCase MakeCase(NormKind kind, std::int64_t n, std::int64_t w, bool weights, float mean = 0.5f) {
  NormCase c = {kind, n, w, weights ? 1.0f : 0.0f, RandomFloats(n * w, 1), {}, {}, RandomFloats(n * w, 2)};
  for (float& x : c.x) x += mean;
  if (weights) c.gain = RandomFloats(w, 3), c.bias = RandomFloats(w, 4);
  return c;
}

template <typename Number>
struct NormResult {
  std::vector<Number> normed, scale, out, dx;
};

const float* OrNull(const std::vector<float>& values) { return values.empty() ? nullptr : values.data(); }

NormResult<float> RunNorm(const FloatKernels& kernels, const NormCase& c) {
  NormResult<float> r;
  r.normed.assign(c.x.size(), NAN), r.out = r.dx = r.normed, r.scale.assign(static_cast<std::size_t>(c.n), NAN);
  kernels.norm(c.kind, kEpsilon, c.n, c.w, c.x.data(), OrNull(c.gain), c.gain_offset, OrNull(c.bias), r.normed.data(),
               r.scale.data(), r.out.data());
  kernels.norm_backward(c.kind, c.n, c.w, c.dout.data(), OrNull(c.gain), c.gain_offset, r.normed.data(), r.scale.data(),
                        r.dx.data(), /*add=*/false);
  return r;
}

NormResult<double> Truth(const NormCase& c) {
  NormResult<double> r;
  const auto width = static_cast<double>(c.w);
  const auto gain = [&](std::int64_t i) { return c.gain.empty() ? 1.0 : double{c.gain[i]} + c.gain_offset; };
  for (std::int64_t row = 0; row < c.n; ++row) {
    const float *x = c.x.data() + row * c.w, *dout = c.dout.data() + row * c.w;
    double mean = 0, square = 0, slope = 0, along = 0;
    for (std::int64_t i = 0; i < c.w && c.kind == NormKind::kLayerNorm; ++i) mean += x[i] / width;
    for (std::int64_t i = 0; i < c.w; ++i) square += (x[i] - mean) * (x[i] - mean) / width;
    const double scale = 1 / std::sqrt(square + kEpsilon);
    r.scale.push_back(scale);
    for (std::int64_t i = 0; i < c.w; ++i) {
      const double normed = (x[i] - mean) * scale;
      r.normed.push_back(normed);
      r.out.push_back(normed * gain(i) + (c.bias.empty() ? 0.0 : c.bias[i]));
      if (c.kind == NormKind::kLayerNorm) slope += dout[i] * gain(i) / width;
      along += dout[i] * gain(i) * normed / width;
    }
    for (std::int64_t i = 0; i < c.w; ++i) {
      r.dx.push_back(scale * (dout[i] * gain(i) - slope - r.normed[row * c.w + i] * along));
    }
  }
  return r;
}

class KernelNormTest : public KernelTest {
 protected:
  void ExpectTruth(const NormCase& c, double tolerance = kTolerance) {
    const NormResult<float> actual = RunNorm(kernels(), c);
    const NormResult<double> truth = Truth(c);
    ExpectNear(actual.normed, truth.normed, tolerance, "normed");
    ExpectNear(actual.scale, truth.scale, tolerance, "scale");
    ExpectNear(actual.out, truth.out, tolerance, "out");
    ExpectNear(actual.dx, truth.dx, tolerance, "dx", 1.0);
  }
};

constexpr NormKind kKinds[] = {NormKind::kLayerNorm, NormKind::kRmsNorm};

TEST_P(KernelNormTest, EveryWidthIsExact) {
  for (const NormKind kind : kKinds) {
    for (const std::int64_t w : {2, 6, 17, 48, 64, 300, 768, 1023, 16384}) {
      SCOPED_TRACE(w);
      ExpectTruth(MakeCase(kind, 5, w, /*weights=*/true));
      ExpectTruth(MakeCase(kind, 3, w, /*weights=*/false));
    }
  }
}

TEST_P(KernelNormTest, MeanFarFromZeroCostsNoDigits) {
  for (const NormKind kind : kKinds) {
    for (const float mean : {30.0f, 1000.0f}) ExpectTruth(MakeCase(kind, 4, 16384, /*weights=*/false, mean));
  }
}

TEST_P(KernelNormTest, MayOverwriteItsInputs) {
  for (const NormKind kind : kKinds) {
    const NormCase c = MakeCase(kind, 9, 77, /*weights=*/true);
    const NormResult<float> apart = RunNorm(kernels(), c);
    std::vector<float> x = c.x, dout = c.dout, scale(9), out(x.size());
    kernels().norm(kind, kEpsilon, 9, 77, x.data(), c.gain.data(), c.gain_offset, c.bias.data(), x.data(), scale.data(),
                   out.data());
    EXPECT_EQ(x, apart.normed);
    EXPECT_EQ(out, apart.out);
    kernels().norm_backward(kind, 9, 77, dout.data(), c.gain.data(), c.gain_offset, x.data(), scale.data(), dout.data(),
                            /*add=*/false);
    EXPECT_EQ(dout, apart.dx);
  }
}

TEST_P(KernelNormTest, GradientIsAddedOnRequest) {
  const NormCase c = MakeCase(NormKind::kLayerNorm, 4, 50, /*weights=*/true);
  const NormResult<float> r = RunNorm(kernels(), c);
  const std::vector<float> before = RandomFloats(200, 9);
  std::vector<float> dx = before;
  kernels().norm_backward(c.kind, 4, 50, c.dout.data(), c.gain.data(), c.gain_offset, r.normed.data(), r.scale.data(),
                          dx.data(), /*add=*/true);
  std::vector<double> expected;
  for (std::size_t i = 0; i < dx.size(); ++i) expected.push_back(double{before[i]} + r.dx[i]);
  ExpectNear(dx, expected, 1e-7, "dx");
}

TEST_P(KernelNormTest, WhatIsNotFiniteOrOverflowsStaysVisible) {
  for (const NormKind kind : kKinds) {
    for (const float bad : {NAN, INFINITY, -INFINITY, 1e30f}) {
      NormCase c = MakeCase(kind, 2, 40, /*weights=*/false);
      c.x[39] = bad;
      const NormResult<float> r = RunNorm(kernels(), c);
      EXPECT_FALSE(std::isfinite(r.out[0])) << bad;
      EXPECT_TRUE(AllFinite({r.out.begin() + 40, r.out.end()}));
    }
  }
}

std::vector<float> ManyRows(const FloatKernels& kernels) {
  const NormResult<float> r = RunNorm(kernels, MakeCase(NormKind::kLayerNorm, 101, 333, /*weights=*/true));
  std::vector<float> all = r.out;
  all.insert(all.end(), r.dx.begin(), r.dx.end());
  return all;
}

TEST_P(KernelNormTest, BytesDoNotDependOnThreads) { ExpectSameBytesWithAnyThreads(&ManyRows, kernels()); }

INSTANTIATE_TEST_SUITE_P(Tables, KernelNormTest, testing::ValuesIn(TablesUnderTest()), TableName);

}  // namespace
}  // namespace headscope::worker
