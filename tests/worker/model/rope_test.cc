#include "worker/model/rope.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "worker/model/rope_frequencies.h"

namespace headscope::worker {
namespace {

using nlohmann::json;

constexpr std::int64_t kHeadDim = 128;

constexpr std::int64_t kPositions = 32768;

RopeReading ReadingOf(const json& config, const RopeDefaults& defaults = {}) {
  ConfigReader reader(config, "config.json");
  RopeReading reading = ReadRope(reader, kHeadDim, kPositions, defaults);
  EXPECT_TRUE(reader.status().ok()) << reader.status();
  return reading;
}

RopeSpec RopeOf(const json& config, const RopeDefaults& defaults = {}) { return ReadingOf(config, defaults).rope; }

// The formulas in double.
double Default(double theta, int pair) { return std::pow(theta, -2.0 * pair / kHeadDim); }
double Llama3(double theta, int pair, double factor, double low, double high, double original) {
  const double inverse = Default(theta, pair), wavelength = 2 * M_PI / inverse;
  if (wavelength < original / high) return inverse;
  if (wavelength > original / low) return inverse / factor;
  const double smooth = (original / wavelength - low) / (high - low);
  return (1 - smooth) * inverse / factor + smooth * inverse;
}

// Kept where a pair turns more than 32 times in the original positions, slowed down below one turn, a ramp between.
double Yarn(double theta, int pair, double factor, double original, double fast, double slow, bool truncate) {
  const auto pair_of = [&](double turns) {
    return kHeadDim * std::log(original / (turns * 2 * M_PI)) / (2 * std::log(theta));
  };
  double low = pair_of(fast), high = pair_of(slow);
  if (truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  const double slowed = std::clamp((pair - low) / (high - low), 0.0, 1.0);
  return Default(theta, pair) * (1 - slowed) + Default(theta, pair) / factor * slowed;
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

TEST(RopeTest, YarnTable) {
  const json scaling = {{"rope_type", "yarn"}, {"factor", 4.0}, {"original_max_position_embeddings", 8192}};
  const RopeSpec rope = RopeOf({{"rope_theta", 1e6}, {"rope_scaling", scaling}});
  ExpectTable(rope, [](int pair) { return Yarn(1e6, pair, 4, 8192, 32, 1, true); });
  EXPECT_DOUBLE_EQ(rope.attention_scaling, 0.1 * std::log(4.0) + 1);
}

TEST(RopeTest, YarnCountsFromTheModelsPositionsWhereNoOriginalOnesAreGiven) {
  const json scaling = {{"type", "yarn"}, {"factor", 4.0}, {"finetuned", true}};
  ExpectTable(RopeOf({{"rope_scaling", scaling}}),
              [](int pair) { return Yarn(1e4, pair, 4, kPositions, 32, 1, true); });
}

TEST(RopeTest, YarnsKeysReplaceItsDefaults) {
  json scaling = {{"rope_type", "yarn"}, {"factor", 16.0},       {"original_max_position_embeddings", 4096},
                  {"beta_fast", 20.0},   {"beta_slow", 2.0},     {"truncate", false},
                  {"mscale", 0.7},       {"mscale_all_dim", 0.3}};
  const RopeSpec rope = RopeOf({{"rope_scaling", scaling}});
  ExpectTable(rope, [](int pair) { return Yarn(1e4, pair, 16, 4096, 20, 2, false); });
  EXPECT_DOUBLE_EQ(rope.attention_scaling, (0.07 * std::log(16.0) + 1) / (0.03 * std::log(16.0) + 1));
  scaling["mscale_all_dim"] = 0;
  EXPECT_DOUBLE_EQ(RopeOf({{"rope_scaling", scaling}}).attention_scaling, 0.1 * std::log(16.0) + 1);
  scaling["attention_factor"] = 1.25;
  EXPECT_DOUBLE_EQ(RopeOf({{"rope_scaling", scaling}}).attention_scaling, 1.25);
}

json LongScaling(const char* kind) {
  return {{"type", kind},
          {"short_factor", std::vector<double>(kHeadDim / 2, 1.5)},
          {"long_factor", std::vector<double>(kHeadDim / 2, 12.0)}};
}

TEST(RopeTest, LongropeChoosesByTheSamplesLength) {
  const RopeSpec rope = RopeOf({{"rope_scaling", LongScaling("longrope")}, {"original_max_position_embeddings", 4096}});
  EXPECT_THAT(rope.numbers,
              ::testing::Contains(std::pair<std::string, double>("original_max_position_embeddings", 4096)));
  ExpectTable(rope, [](int pair) { return Default(1e4, pair) / 1.5; });
  EXPECT_DOUBLE_EQ(rope.attention_scaling, std::sqrt(1 + std::log(8.0) / std::log(4096.0)));
  EXPECT_EQ(FrequenciesOfLength(rope, 4096), rope.inverse_frequency);
  RopeSpec longer = rope;
  longer.inverse_frequency = FrequenciesOfLength(rope, 4097);
  ExpectTable(longer, [](int pair) { return Default(1e4, pair) / 12; });
}

TEST(RopeTest, LongropesOlderNamesAreKnownWhereAFamilyHadThem) {
  const RopeDefaults defaults = {.original_positions = 4096, .longrope_has_older_names = true};
  const RopeSpec rope = RopeOf({{"rope_scaling", LongScaling("longrope")}}, defaults);
  for (const char* name : {"su", "yarn"}) {
    EXPECT_EQ(RopeOf({{"rope_scaling", LongScaling(name)}}, defaults).inverse_frequency, rope.inverse_frequency);
  }
  json both = LongScaling("su");
  both["rope_type"] = "longrope";
  EXPECT_EQ(RopeOf({{"rope_scaling", both}}, defaults).inverse_frequency, rope.inverse_frequency);
}

TEST(RopeTest, DynamicGrowsTheBaseWithTheSamplesOwnLength) {
  const RopeSpec rope = RopeOf({{"rope_scaling", {{"type", "dynamic"}, {"factor", 2.0}}}});
  ExpectTable(rope, [](int pair) { return Default(1e4, pair); });
  EXPECT_EQ(FrequenciesOfLength(rope, kPositions), rope.inverse_frequency);
  for (const std::int64_t length : {kPositions + 1, 2 * kPositions}) {
    RopeSpec longer = rope;
    longer.inverse_frequency = FrequenciesOfLength(rope, length);
    const double growth = 2.0 * static_cast<double>(length) / kPositions - 1;
    const double theta = 1e4 * std::pow(growth, kHeadDim / (kHeadDim - 2.0));
    ExpectTable(longer, [&](int pair) { return Default(theta, pair); });
  }
}

TEST(RopeTest, StretchedRopesTakeLongerSamples) {
  EXPECT_EQ(ReadingOf(json::object()).positions, kPositions);
  EXPECT_EQ(ReadingOf({{"rope_scaling", {{"type", "linear"}, {"factor", 2.5}}}}).positions, 81920);
  EXPECT_EQ(ReadingOf({{"rope_scaling", {{"type", "dynamic"}, {"factor", 2.0}}}}).positions, 65536);
  const json yarn = {{"rope_type", "yarn"}, {"factor", 4.0}, {"original_max_position_embeddings", kPositions}};
  EXPECT_EQ(ReadingOf({{"rope_scaling", yarn}}).positions, 131072);
}

TEST(RopeTest, PartialFactorShortensTheRotation) {
  const RopeSpec rope = RopeOf({{"partial_rotary_factor", 0.25}});
  EXPECT_EQ(rope.dimensions, 32);
  EXPECT_NEAR(rope.inverse_frequency[1], std::pow(1e4, -2.0 / 32), 1e-6);
}

}  // namespace
}  // namespace headscope::worker
