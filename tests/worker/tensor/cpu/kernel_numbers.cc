#include "tests/worker/tensor/cpu/kernel_numbers.h"

#include <algorithm>
#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace headscope::worker {

std::vector<float> RandomFloats(std::int64_t size, std::uint32_t seed, float deviation) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.0f, deviation);
  std::vector<float> values(static_cast<std::size_t>(size));
  for (float& value : values) value = normal(generator);
  return values;
}

void ExpectNear(const std::vector<float>& actual, const std::vector<double>& expected, double tolerance,
                const char* what, double floor) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  double largest = floor, worst = 0;
  std::size_t where = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    largest = std::max(largest, std::abs(expected[i]));
    const double difference = std::abs(actual[i] - expected[i]);
    if (!(difference <= worst)) worst = difference, where = i;
  }
  EXPECT_LE(worst, tolerance * largest) << what << "[" << where << "] of " << actual.size() << ": " << actual[where]
                                        << " for " << expected[where] << ", largest " << largest;
}

void ExpectRelative(const std::vector<float>& actual, const std::vector<double>& expected, double tolerance,
                    const char* what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    ASSERT_LE(std::abs(actual[i] - expected[i]), tolerance * std::abs(expected[i]))
        << what << "[" << i << "]: " << actual[i] << " for " << expected[i];
  }
}

bool AllFinite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
}

}  // namespace headscope::worker
