#include "worker/model/families/layer_windows.h"

#include <string>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace headscope::worker {
namespace {

// Notes `layer_types` that say something else than the windows of spec.attention.
void RequireSameLayerTypes(ConfigReader& config, const DecoderSpec& spec) {
  const std::optional<std::vector<bool>> windowed = ReadLayerTypes(config, spec.layers);
  if (!windowed.has_value() || !config.status().ok()) return;
  for (std::int64_t layer = 0; layer < spec.layers; ++layer) {
    if ((*windowed)[layer] == spec.attention[layer].window.has_value()) continue;
    return config.Unsupported(absl::StrCat(
        "layer_types entry ", layer, " is ", (*windowed)[layer] ? "sliding_attention" : "full_attention", ", but ",
        spec.family, " has ", (*windowed)[layer] ? "no window there" : "a window", " by its other keys"));
  }
}

}  // namespace

std::optional<std::vector<bool>> ReadLayerTypes(ConfigReader& config, std::int64_t layers) {
  // After a fault `layers` may be a stand-in.
  if (!config.HasValue("layer_types") || !config.status().ok()) return std::nullopt;
  std::vector<bool> windowed(layers);
  const nlohmann::json& types = config.raw()["layer_types"];
  if (!types.is_array() || static_cast<std::int64_t>(types.size()) != layers) {
    config.Invalid(absl::StrCat("layer_types must be an array of ", layers, " entries"));
    return windowed;
  }
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    const std::string type = types[layer].is_string() ? types[layer].get<std::string>() : "not a string";
    windowed[layer] = type == "sliding_attention";
    if (!windowed[layer] && type != "full_attention") {
      config.Unsupported(absl::StrCat("layer_types entry ", layer, " is \"", type.substr(0, 80),
                                      "\"; supported: sliding_attention, full_attention"));
    }
  }
  return windowed;
}

void SetWindows(ConfigReader& config, const std::vector<bool>& windowed, std::optional<std::int64_t> window,
                DecoderSpec* spec) {
  for (std::int64_t layer = 0; layer < spec->layers; ++layer) {
    if (!windowed[layer]) continue;
    spec->attention[layer].window = window;
    if (window.has_value() || !config.status().ok()) continue;
    config.Invalid(absl::StrCat("layer ", layer, " is sliding_attention but sliding_window is null"));
  }
}

void SetWindowOfAllLayers(ConfigReader& config, std::optional<std::int64_t> fallback, DecoderSpec* spec) {
  const std::optional<std::int64_t> window = config.OptionalSize("sliding_window", kMaxPositions, fallback);
  SetWindows(config, std::vector<bool>(spec->layers, window.has_value()), window, spec);
  RequireSameLayerTypes(config, *spec);
}

void RefuseWindows(ConfigReader& config, const DecoderSpec& spec) {
  const bool off = config.Boolean("use_sliding_window", true) == false;
  const std::optional<std::int64_t> window = config.OptionalSize("sliding_window", kMaxPositions, std::nullopt);
  if (window.has_value() && *window < spec.positions && !off) {
    config.Unsupported(absl::StrCat("sliding_window must be null for ", spec.family, ", found ", *window));
  }
  RequireSameLayerTypes(config, spec);
}

void SetQwenWindows(ConfigReader& config, DecoderSpec* spec) {
  const bool used = config.Boolean("use_sliding_window", false);
  const std::int64_t first = config.Count("max_window_layers", kMaxLayers, 28);
  const std::optional<std::int64_t> window =
      used ? config.OptionalSize("sliding_window", kMaxPositions, 4096) : std::nullopt;
  std::vector<bool> windowed(spec->layers);
  for (std::int64_t layer = 0; layer < spec->layers; ++layer) windowed[layer] = window.has_value() && layer >= first;
  const std::optional<std::vector<bool>> types = ReadLayerTypes(config, spec->layers);
  if (types.has_value() && !used) return RequireSameLayerTypes(config, *spec);
  SetWindows(config, types.value_or(windowed), window, spec);
}

}  // namespace headscope::worker
