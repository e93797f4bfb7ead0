#include "worker/model/rope.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "worker/model/rope_frequencies.h"
#include "worker/model/rope_scaling.h"

namespace headscope::worker {
namespace {

constexpr char kNewerKey[] = "rope_parameters";
constexpr char kOlderKey[] = "rope_scaling";
constexpr char kFullLayers[] = "full_attention";
constexpr char kSlidingLayers[] = "sliding_attention";

// The key that holds the rope's object: the newer one where both are given.
std::string ScalingKey(ConfigReader& config) {
  const bool has_new = config.HasValue(kNewerKey), has_old = config.HasValue(kOlderKey);
  if (has_new && has_old && config.raw()[kNewerKey] != config.raw()[kOlderKey]) {
    config.Invalid("rope_parameters and rope_scaling are both given and differ; keep one");
  }
  return has_new ? kNewerKey : kOlderKey;
}

std::int64_t RotaryDimensions(ConfigReader& config, std::int64_t head_dim, double partial) {
  const double columns = static_cast<double>(head_dim) * partial;
  // Beyond the head it may be more than an integer holds.
  const auto dimensions = partial > 1 ? 0 : static_cast<std::int64_t>(columns);
  if (dimensions < 2 || dimensions % 2 != 0) {
    config.Invalid(absl::StrCat("rotary dimensions must be an even number from 2 to head_dim ", head_dim, ", found ",
                                columns, " (partial_rotary_factor ", partial, ")"));
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
                               "; say which: ", RopeKindNames()));
}

// `rope_type`, or `type` as it was called before.
std::string ReadKind(ConfigReader& scaling, bool newer_key, const RopeDefaults& defaults) {
  const bool has_new = scaling.HasValue("rope_type"), has_old = scaling.HasValue("type");
  const std::string older = scaling.Text("type", "default");
  const std::string kind = scaling.Text("rope_type", older);
  if (!scaling.status().ok()) return kind;
  if (!has_new && !has_old) RequireNothingButBase(scaling, newer_key);
  const auto is_longrope = [&](const std::string& name) {
    return name == "longrope" || (defaults.longrope_has_older_names && (name == "su" || name == "yarn"));
  };
  if (has_new && has_old && kind != older && !(is_longrope(kind) && is_longrope(older))) {
    scaling.Invalid(absl::StrCat("rope_type \"", kind.substr(0, 80), "\" and type \"", older.substr(0, 80),
                                 "\" are both given and differ; keep one"));
  }
  return is_longrope(kind) ? "longrope" : kind;
}

// What `object` says of a rope, base frequency first; lists of factors are left out.
std::vector<std::pair<std::string, double>> NumbersOf(const nlohmann::json& object, double theta,
                                                      const RopeSpec& rope) {
  constexpr char kOriginal[] = "original_max_position_embeddings";
  std::vector<std::pair<std::string, double>> numbers = {{"rope_theta", theta}};
  for (const auto& [key, value] : object.items()) {
    if (value.is_number() && key != "rope_theta") numbers.emplace_back(key, value.get<double>());
  }
  // Some families give it beside the object, some nowhere.
  if (rope.beyond.has_value() && !object.contains(kOriginal)) {
    numbers.emplace_back(kOriginal, static_cast<double>(rope.beyond->original_positions));
  }
  return numbers;
}

// Reads `object`, found at `where`, into a rope.
RopeReading ReadObject(ConfigReader& config, const nlohmann::json& object, const std::string& where, bool newer_key,
                       std::int64_t head_dim, std::int64_t positions, const RopeDefaults& defaults) {
  RopeReading reading = {.rope = {}, .positions = positions};
  ConfigReader scaling(object, where);
  const auto read = [&](const std::string& name, const std::string& outer_name, double fallback) {
    return scaling.Has(name) ? scaling.Positive(name) : config.Positive(outer_name, fallback);
  };
  UnscaledRope base;
  base.theta = read("rope_theta", defaults.theta_key, defaults.theta);
  const double partial = read("partial_rotary_factor", "partial_rotary_factor", defaults.partial_rotary_factor);
  base.dimensions = reading.rope.dimensions = RotaryDimensions(config, head_dim, partial);
  base.positions = positions;
  if (config.status().ok() && scaling.status().ok()) {
    reading.rope.inverse_frequency = InverseFrequencies(base.theta, base.dimensions);
    const std::string kind = ReadKind(scaling, newer_key, defaults);
    if (scaling.status().ok()) ScaleRope(config, scaling, kind, base, defaults.original_positions, &reading);
    reading.rope.kind = kind;
    reading.rope.numbers = NumbersOf(object, base.theta, reading.rope);
  }
  config.Include(scaling);
  return reading;
}

}  // namespace

RopeReading ReadRope(ConfigReader& config, std::int64_t head_dim, std::int64_t positions,
                     const RopeDefaults& defaults) {
  const std::string key = ScalingKey(config);
  const bool given = config.HasValue(key);
  const nlohmann::json empty = nlohmann::json::object();
  const nlohmann::json& object = given ? config.raw()[key] : empty;
  if (!object.is_object()) {
    config.Invalid(absl::StrCat(key, " must be an object or null"));
    return {};
  }
  if (HasRopeForEachLayerType(config)) {
    config.Unsupported(absl::StrCat(key, " per layer type is not supported for this family"));
    return {};
  }
  return ReadObject(config, object, key, key == kNewerKey || !given, head_dim, positions, defaults);
}

bool HasRopeForEachLayerType(const ConfigReader& config) {
  if (!config.HasValue(kNewerKey)) return false;
  const nlohmann::json& object = config.raw()[kNewerKey];
  return object.is_object() && (object.contains(kFullLayers) || object.contains(kSlidingLayers));
}

RopeReading ReadRopeOfLayerType(ConfigReader& config, const std::string& layer_type, std::int64_t head_dim,
                                std::int64_t positions, const RopeDefaults& defaults) {
  const nlohmann::json& types = config.raw()[kNewerKey];
  const std::string where = absl::StrCat(kNewerKey, " ", layer_type);
  for (const auto& [key, value] : types.items()) {
    if (key == kFullLayers || key == kSlidingLayers) continue;
    config.Unsupported(absl::StrCat(kNewerKey, " \"", key.substr(0, 80),
                                    "\" is no type of layer; supported: ", kFullLayers, ", ", kSlidingLayers));
    return {};
  }
  if (!types.contains(layer_type) || !types[layer_type].is_object()) {
    config.Invalid(absl::StrCat(where, " must be an object"));
    return {};
  }
  return ReadObject(config, types[layer_type], where, /*newer_key=*/true, head_dim, positions, defaults);
}

void RefuseEndlessAngles(ConfigReader& config, const DecoderSpec& spec) {
  const auto positions = static_cast<float>(spec.positions);
  const auto is_endless = [&](float frequency) { return !std::isfinite(frequency * positions); };
  for (const RopeSpec& rope : spec.ropes) {
    for (const std::int64_t length : {std::int64_t{1}, spec.positions}) {
      const std::vector<float> frequencies = FrequenciesOfLength(rope, length);
      if (std::none_of(frequencies.begin(), frequencies.end(), is_endless)) continue;
      return config.Invalid("the rope's base frequency or factors are so small that its angles are no float32 numbers");
    }
  }
}

RopeSpec PlainRope(double theta, std::int64_t head_dim) {
  return {.dimensions = head_dim,
          .inverse_frequency = InverseFrequencies(theta, head_dim),
          .numbers = {{"rope_theta", theta}}};
}

}  // namespace headscope::worker
