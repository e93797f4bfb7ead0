#include "worker/model/rope.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace headscope::worker {
namespace {

using nlohmann::json;

constexpr std::int64_t kHeadDim = 128;

RopeSpec RopeOf(const json& config) {
  ConfigReader reader(config, "config.json");
  RopeSpec rope = ReadRope(reader, kHeadDim, RopeDefaults{});
  EXPECT_TRUE(reader.status().ok()) << reader.status();
  return rope;
}

// The formulas in double.
double Default(double theta, int pair) { return std::pow(theta, -2.0 * pair / kHeadDim); }
double Llama3(double theta, int pair, double factor, double low, double high, double original) {
  const double inverse = Default(theta, pair), wavelength = 2 * M_PI / inverse;
  if (wavelength < original / high) return inverse;
  if (wavelength > original / low) return inverse / factor;
  const double smooth = (original / wavelength - low) / (high - low);
  return (1 - smooth) * inverse / factor + smooth * inverse;
}

// cosine and sine at some positions: angles are float32 products, so the frequency may be off by its rounding times the
// position, and no more.
void ExpectTable(const RopeSpec& rope, const std::function<double(int)>& formula) {
  ASSERT_EQ(rope.dimensions, kHeadDim);
  ASSERT_EQ(rope.inverse_frequency.size(), static_cast<std::size_t>(kHeadDim / 2));
  for (int pair = 0; pair < kHeadDim / 2; ++pair) {
    const double expected = formula(pair);
    EXPECT_NEAR(rope.inverse_frequency[pair], expected, 4e-7 * expected) << pair;
    for (const int position : {0, 1, 8191, 8192}) {
      const double angle = static_cast<float>(position) * rope.inverse_frequency[pair];
      const double tolerance = 1e-7 + 5e-7 * position * expected;
      EXPECT_NEAR(std::cos(angle), std::cos(position * expected), tolerance) << pair << " " << position;
      EXPECT_NEAR(std::sin(angle), std::sin(position * expected), tolerance) << pair << " " << position;
    }
  }
}

TEST(RopeTest, DefaultTable) {
  ExpectTable(RopeOf(json::object()), [](int pair) { return Default(1e4, pair); });
  ExpectTable(RopeOf({{"rope_theta", 500000}, {"rope_scaling", nullptr}}), [](int pair) { return Default(5e5, pair); });
  ExpectTable(RopeOf({{"rope_parameters", {{"rope_type", "default"}, {"rope_theta", 1e6}}}}),
              [](int pair) { return Default(1e6, pair); });
}

TEST(RopeTest, LinearTable) {
  ExpectTable(RopeOf({{"rope_scaling", {{"type", "linear"}, {"factor", 2.5}}}}),
              [](int pair) { return Default(1e4, pair) / 2.5; });
}

TEST(RopeTest, Llama3Table) {
  const json scaling = {{"rope_type", "llama3"},
                        {"factor", 8.0},
                        {"low_freq_factor", 1.0},
                        {"high_freq_factor", 4.0},
                        {"original_max_position_embeddings", 8192}};
  ExpectTable(RopeOf({{"rope_theta", 500000.0}, {"rope_scaling", scaling}}),
              [](int pair) { return Llama3(5e5, pair, 8, 1, 4, 8192); });
}

TEST(RopeTest, Llama3LeavesShortWavesSlowsLongOnesAndBlendsBetween) {
  const json scaling = {{"rope_type", "llama3"},
                        {"factor", 32.0},
                        {"low_freq_factor", 1.0},
                        {"high_freq_factor", 4.0},
                        {"original_max_position_embeddings", 8192}};
  const RopeSpec rope = RopeOf({{"rope_theta", 500000.0}, {"rope_scaling", scaling}});
  EXPECT_FLOAT_EQ(rope.inverse_frequency.front(), 1.0f);
  EXPECT_FLOAT_EQ(rope.inverse_frequency.back(), static_cast<float>(Default(5e5, 63) / 32));
  const auto blended = std::count_if(rope.inverse_frequency.begin(), rope.inverse_frequency.end(), [&](const float& f) {
    const double plain = Default(5e5, static_cast<int>(&f - rope.inverse_frequency.data()));
    return f < 0.99 * plain && f > 1.01 * plain / 32;
  });
  EXPECT_GT(blended, 0);
}

TEST(RopeTest, PartialFactorShortensTheRotation) {
  const RopeSpec rope = RopeOf({{"partial_rotary_factor", 0.25}});
  EXPECT_EQ(rope.dimensions, 32);
  EXPECT_NEAR(rope.inverse_frequency[1], std::pow(1e4, -2.0 / 32), 1e-6);
}

}  // namespace
}  // namespace headscope::worker
