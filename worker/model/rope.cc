#include "worker/model/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace headscope::worker {
namespace {

constexpr char kNewerKey[] = "rope_parameters";
constexpr char kOlderKey[] = "rope_scaling";

// base^(-2i / dimensions), every step rounded to float32 as in the reference implementation.
std::vector<float> InverseFrequencies(double theta, std::int64_t dimensions) {
  std::vector<float> inverse(dimensions / 2);
  for (std::int64_t i = 0; i < dimensions / 2; ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(dimensions);
    const double power = std::pow(static_cast<double>(static_cast<float>(theta)), static_cast<double>(exponent));
    inverse[i] = 1.0f / static_cast<float>(power);
  }
  return inverse;
}

struct Llama3Scaling {
  double factor = 1;
  double low_freq_factor = 1;
  double high_freq_factor = 4;
  double original_positions = 8192;
};

// Long wavelengths are slowed down by `factor`, short ones kept, those between interpolated.
void ScaleLlama3(const Llama3Scaling& scaling, std::vector<float>& inverse) {
  const double long_wave = scaling.original_positions / scaling.low_freq_factor;
  const double short_wave = scaling.original_positions / scaling.high_freq_factor;
  const float factor = static_cast<float>(scaling.factor);
  for (float& frequency : inverse) {
    const float wavelength = static_cast<float>(2 * std::numbers::pi) / frequency;
    if (wavelength < static_cast<float>(short_wave)) continue;
    if (wavelength > static_cast<float>(long_wave)) {
      frequency /= factor;
      continue;
    }
    const float smooth =
        (static_cast<float>(scaling.original_positions) / wavelength - static_cast<float>(scaling.low_freq_factor)) /
        static_cast<float>(scaling.high_freq_factor - scaling.low_freq_factor);
    frequency = (1.0f - smooth) * frequency / factor + smooth * frequency;
  }
}

Llama3Scaling ReadLlama3(ConfigReader& config, ConfigReader& scaling) {
  Llama3Scaling result;
  result.factor = scaling.Positive("factor");
  result.low_freq_factor = scaling.Positive("low_freq_factor");
  result.high_freq_factor = scaling.Positive("high_freq_factor");
  const char* const key = "original_max_position_embeddings";
  result.original_positions = static_cast<double>(
      !scaling.Has(key) && config.Has(key) ? config.Size(key, kMaxPositions) : scaling.Size(key, kMaxPositions));
  if (scaling.status().ok() && result.high_freq_factor <= result.low_freq_factor) {
    scaling.Invalid(absl::StrCat("high_freq_factor must be above low_freq_factor, found ", result.high_freq_factor,
                                 " and ", result.low_freq_factor));
  }
  return result;
}

// The key that holds the rope's object: the newer one where both are given.
std::string ScalingKey(ConfigReader& config) {
  const bool has_new = config.HasValue(kNewerKey), has_old = config.HasValue(kOlderKey);
  if (has_new && has_old && config.raw()[kNewerKey] != config.raw()[kOlderKey]) {
    config.Invalid("rope_parameters and rope_scaling are both given and differ; keep one");
  }
  return has_new ? kNewerKey : kOlderKey;
}

std::int64_t RotaryDimensions(ConfigReader& config, std::int64_t head_dim, double partial) {
  const auto dimensions = static_cast<std::int64_t>(static_cast<double>(head_dim) * partial);
  if (partial > 1 || dimensions < 2 || dimensions % 2 != 0) {
    config.Invalid(absl::StrCat("rotary dimensions must be an even number from 2 to head_dim ", head_dim, ", found ",
                                dimensions, " (partial_rotary_factor ", partial, ")"));
    return 0;
  }
  return dimensions;
}

// Keys of the newer object that say nothing of scaling.
bool IsUnscaledKey(const std::string& key) { return key == "rope_theta" || key == "partial_rotary_factor"; }

// Notes an object without a kind: what it wants to change about the rope would be lost. The newer key holds the base
// frequency too, and is complete with that alone.
void RequireNothingButBase(ConfigReader& scaling, bool newer_key) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : scaling.raw().items()) {
    if (!value.is_null() && !(newer_key && IsUnscaledKey(key))) keys.push_back(key);
  }
  if (keys.empty() && newer_key) return;
  scaling.Invalid(absl::StrCat("has no rope_type", keys.empty() ? "" : ", but ", absl::StrJoin(keys, ", "),
                               "; say which: default, linear or llama3"));
}

// `rope_type`, or `type` as it was called before.
std::string ReadKind(ConfigReader& scaling, bool newer_key) {
  const bool has_new = scaling.HasValue("rope_type"), has_old = scaling.HasValue("type");
  const std::string older = scaling.Text("type", "default");
  const std::string kind = scaling.Text("rope_type", older);
  if (!scaling.status().ok()) return kind;
  if (!has_new && !has_old) RequireNothingButBase(scaling, newer_key);
  if (has_new && has_old && kind != older) {
    scaling.Invalid(absl::StrCat("rope_type \"", kind.substr(0, 80), "\" and type \"", older.substr(0, 80),
                                 "\" are both given and differ; keep one"));
  }
  return kind;
}

void ApplyScaling(ConfigReader& config, ConfigReader& scaling, bool newer_key, std::vector<float>& inverse) {
  const std::string kind = ReadKind(scaling, newer_key);
  if (!scaling.status().ok()) return;
  if (kind == "linear") {
    const float factor = static_cast<float>(scaling.Positive("factor"));
    for (float& frequency : inverse) frequency /= factor;
  } else if (kind == "llama3") {
    const Llama3Scaling llama3 = ReadLlama3(config, scaling);
    if (scaling.status().ok()) ScaleLlama3(llama3, inverse);
  } else if (kind != "default") {
    config.Unsupported(
        absl::StrCat("rope_type \"", kind.substr(0, 80), "\" is not supported; supported: default, linear, llama3"));
  }
}

}  // namespace

RopeSpec ReadRope(ConfigReader& config, std::int64_t head_dim, const RopeDefaults& defaults) {
  const std::string key = ScalingKey(config);
  const bool given = config.HasValue(key);
  const nlohmann::json empty = nlohmann::json::object();
  const nlohmann::json& object = given ? config.raw()[key] : empty;
  if (!object.is_object()) {
    config.Invalid(absl::StrCat(key, " must be an object or null"));
    return {};
  }
  if (object.contains("full_attention") || object.contains("sliding_attention")) {
    config.Unsupported(absl::StrCat(key, " per layer type is not supported for this family"));
    return {};
  }
  ConfigReader scaling(object, key);
  const auto read = [&](std::string_view name, double fallback) {
    return scaling.Has(name) ? scaling.Positive(name) : config.Positive(name, fallback);
  };
  const double theta = read("rope_theta", defaults.theta);
  const double partial = read("partial_rotary_factor", defaults.partial_rotary_factor);
  RopeSpec rope;
  rope.dimensions = RotaryDimensions(config, head_dim, partial);
  if (config.status().ok()) rope.inverse_frequency = InverseFrequencies(theta, rope.dimensions);
  if (given) ApplyScaling(config, scaling, key == kNewerKey, rope.inverse_frequency);
  if (!scaling.status().ok()) config.Invalid(std::string(scaling.status().message()));
  return rope;
}

}  // namespace headscope::worker
