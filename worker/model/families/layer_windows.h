// Which layers see only a window of earlier tokens, and how a config.json says so.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "worker/model/config_reader.h"
#include "worker/model/decoder_spec.h"

namespace headscope::worker {

// [layers] whether `layer_types` calls the layer sliding_attention; nullopt where the key is absent or null. Types
// other than that and full_attention are noted as unsupported.
std::optional<std::vector<bool>> ReadLayerTypes(ConfigReader& config, std::int64_t layers);

// Gives `window` to the layers of spec->attention that are `windowed`; notes it where there is none to give.
void SetWindows(ConfigReader& config, const std::vector<bool>& windowed, std::optional<std::int64_t> window,
                DecoderSpec* spec);

// For a family that reads `sliding_window` for all layers or none: gives it, and notes `layer_types` that differ.
void SetWindowOfAllLayers(ConfigReader& config, std::optional<std::int64_t> fallback, DecoderSpec* spec);

// For a family without windows: notes a config that asks for them.
void RefuseWindows(ConfigReader& config, const DecoderSpec& spec);

// The windows of Qwen: with `use_sliding_window`, on `layer_types` or from layer `max_window_layers` on.
void SetQwenWindows(ConfigReader& config, DecoderSpec* spec);

}  // namespace headscope::worker
