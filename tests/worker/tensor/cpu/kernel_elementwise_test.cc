#include <cmath>
#include <cstring>

#include "tests/worker/tensor/cpu/kernel_numbers.h"
#include "tests/worker/tensor/cpu/kernel_tables_under_test.h"

namespace headscope::worker {
namespace {

constexpr std::int64_t kSizes[] = {1, 3, 16, 37, 4096, 50001};

class KernelElementwiseTest : public KernelTest {};

TEST_P(KernelElementwiseTest, MultiplyMayOverwriteEitherFactor) {
  for (const std::int64_t size : kSizes) {
    const std::vector<float> a = RandomFloats(size, 1), b = RandomFloats(size, 2);
    std::vector<float> expected = a, over_a = a, over_b = b;
    for (std::size_t i = 0; i < a.size(); ++i) expected[i] = a[i] * b[i];
    kernels().multiply(size, over_a.data(), b.data(), over_a.data());
    kernels().multiply(size, a.data(), over_b.data(), over_b.data());
    EXPECT_EQ(over_a, expected);
    EXPECT_EQ(over_b, expected);
  }
}

TEST_P(KernelElementwiseTest, AddAddsInPlace) {
  for (const std::int64_t size : kSizes) {
    std::vector<float> x = RandomFloats(size, 1), expected = x;
    const std::vector<float> y = RandomFloats(size, 2);
    for (std::size_t i = 0; i < y.size(); ++i) expected[i] += y[i];
    kernels().add(size, x.data(), y.data());
    EXPECT_EQ(x, expected);
  }
}

TEST_P(KernelElementwiseTest, HeadDotsAreInnerProductsByHead) {
  for (const std::int64_t d : {1, 6, 20, 64, 80}) {
    const std::int64_t n = 37, heads = 3;
    const std::vector<float> z = RandomFloats(n * heads * d, 1), dz = RandomFloats(n * heads * d, 2);
    std::vector<float> dots(n * heads, NAN);
    std::vector<double> expected(n * heads);
    for (std::int64_t i = 0; i < n * heads * d; ++i)
      expected[i / d % heads * n + i / d / heads] += double{z[i]} * dz[i];
    kernels().head_dots(n, heads, d, z.data(), dz.data(), dots.data());
    ExpectNear(dots, expected, 1e-6, "dots");
  }
}

TEST_P(KernelElementwiseTest, RotationTurnsHalfSplitPairsAndBackAndPassesTheRest) {
  const std::int64_t n = 11, heads = 3, positions = 40;
  for (const auto& [d, half] : {std::pair<std::int64_t, std::int64_t>{64, 32}, {20, 10}, {80, 16}, {6, 1}, {5, 0}}) {
    const std::vector<float> before = RandomFloats(n * heads * d, 1), angle = RandomFloats(positions * half, 2);
    std::vector<float> cosine, sine, x = before;
    for (const float a : angle) cosine.push_back(std::cos(a)), sine.push_back(std::sin(a));
    std::vector<std::int64_t> position;
    for (std::int64_t i = 0; i < n; ++i) position.push_back(i * 7 % positions);
    std::vector<double> expected(before.begin(), before.end());
    for (std::int64_t i = 0; i < n * heads * half; ++i) {
      const std::int64_t first = i / half * d + i % half, at = position[i / half / heads] * half + i % half;
      expected[first] = double{before[first]} * cosine[at] - double{before[first + half]} * sine[at];
      expected[first + half] = double{before[first + half]} * cosine[at] + double{before[first]} * sine[at];
    }
    kernels().rotate(n, heads, d, half, cosine.data(), sine.data(), position.data(), /*inverse=*/false, x.data());
    ExpectNear(x, expected, 1e-7, "rotated");
    kernels().rotate(n, heads, d, half, cosine.data(), sine.data(), position.data(), /*inverse=*/true, x.data());
    ExpectNear(x, {before.begin(), before.end()}, 3e-7, "turned back");
  }
}

TEST_P(KernelElementwiseTest, Bfloat16RoundsToNearestEven) {
  // 1 + 2^-8 lies between 1 and 1 + 2^-7: to the even 1; 1 + 3 * 2^-8 to 1 + 2^-6. The largest float becomes infinite.
  const std::vector<float> from = {1.0f,         1 + 0x1p-8f,   1 + 0x1.8p-7f, 1 + 0x1.01p-8f,
                                   -1 - 0x1p-8f, 3.4028235e38f, INFINITY,      0.0f};
  const std::vector<float> expected = {1.0f, 1.0f, 1 + 0x1p-6f, 1 + 0x1p-7f, -1.0f, INFINITY, INFINITY, 0.0f};
  std::vector<std::uint16_t> to(from.size());
  std::vector<float> back(from.size());
  kernels().to_bfloat16(static_cast<std::int64_t>(from.size()), from.data(), to.data());
  kernels().from_bfloat16(static_cast<std::int64_t>(to.size()), to.data(), back.data());
  EXPECT_EQ(back, expected);
}

TEST_P(KernelElementwiseTest, Bfloat16KeepsNaNAndItsOwnNumbers) {
  // Every bfloat16 there is, there and back.
  std::vector<std::uint16_t> all(1 << 16), again(1 << 16);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint16_t>(i);
  std::vector<float> wide(all.size());
  kernels().from_bfloat16(1 << 16, all.data(), wide.data());
  kernels().to_bfloat16(1 << 16, wide.data(), again.data());
  std::vector<float> back(all.size());
  kernels().from_bfloat16(1 << 16, again.data(), back.data());
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (std::isnan(wide[i])) {
      EXPECT_TRUE(std::isnan(back[i])) << i;
    } else {
      EXPECT_EQ(again[i], all[i]);
    }
  }
  // A NaN whose bits are all in the half that is dropped.
  const std::uint32_t bits = 0x7f800001;
  float nan;
  std::memcpy(&nan, &bits, sizeof(nan));
  kernels().to_bfloat16(1, &nan, again.data());
  kernels().from_bfloat16(1, again.data(), back.data());
  EXPECT_TRUE(std::isnan(back[0]));
}

INSTANTIATE_TEST_SUITE_P(Tables, KernelElementwiseTest, testing::ValuesIn(TablesUnderTest()), TableName);

}  // namespace
}  // namespace headscope::worker
