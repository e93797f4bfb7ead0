// Rotary embeddings: from a config.json's two generations of keys to inverse frequencies.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "worker/model/config_reader.h"
#include "worker/model/decoder_spec.h"

namespace headscope::worker {

// What a family says of its rope beyond the file.
struct RopeDefaults {
  double theta = 10000.0;
  // Where the file has the base frequency outside of the rope's own object.
  std::string theta_key = "rope_theta";
  // Columns of a head that are rotated, as a share of head_dim.
  double partial_rotary_factor = 1.0;
  // original_max_position_embeddings where the file has none.
  std::optional<std::int64_t> original_positions = std::nullopt;
  // The family wrote "su" or "yarn" before it wrote "longrope".
  bool longrope_has_older_names = false;
};

struct RopeReading {
  RopeSpec rope;
  // Longest sample in tokens: with a rope that stretches them, more than the file's max_position_embeddings where that
  // is the length before stretching.
  std::int64_t positions = 0;
};

// The rope that `config` describes for heads of `head_dim` columns and `positions`, its max_position_embeddings:
// `rope_theta` with `rope_scaling` {type|rope_type}, or `rope_parameters`, where both files and keys may be absent or
// null. Kinds: default, linear, dynamic, llama3, yarn, longrope; others, and keys that a kind does not have, are noted
// as unsupported by name, and an object that scales without saying how is invalid. Faults are noted in `config`, and
// the result is then of no use.
RopeReading ReadRope(ConfigReader& config, std::int64_t head_dim, std::int64_t positions, const RopeDefaults& defaults);

// Whether `rope_parameters` holds one object for each type of layer instead of one for all.
bool HasRopeForEachLayerType(const ConfigReader& config);

// As ReadRope, for the layers of `layer_type` where HasRopeForEachLayerType.
RopeReading ReadRopeOfLayerType(ConfigReader& config, const std::string& layer_type, std::int64_t head_dim,
                                std::int64_t positions, const RopeDefaults& defaults);

// Notes a rope whose angles at some position, in short samples or in long ones, float32 cannot hold.
void RefuseEndlessAngles(ConfigReader& config, const DecoderSpec& spec);

// The unscaled rope of base frequency `theta` that rotates whole heads.
RopeSpec PlainRope(double theta, std::int64_t head_dim);

}  // namespace headscope::worker
