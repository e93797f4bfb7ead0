// Rotary embeddings: from a config.json's two generations of keys to inverse frequencies.
#pragma once

#include <cstdint>

#include "worker/model/config_reader.h"
#include "worker/model/decoder_spec.h"

namespace headscope::worker {

// What a family says of its rope beyond the file.
struct RopeDefaults {
  double theta = 10000.0;
  // Columns of a head that are rotated, as a share of head_dim.
  double partial_rotary_factor = 1.0;
};

// The rope that `config` describes for heads of `head_dim` columns: `rope_theta` with `rope_scaling` {type|rope_type},
// or `rope_parameters`, where both files and keys may be absent or null. Kinds: default, linear, llama3; others are
// noted as unsupported by name, and an object that scales without saying how is invalid. Faults are noted in `config`,
// and the result is then of no use.
RopeSpec ReadRope(ConfigReader& config, std::int64_t head_dim, const RopeDefaults& defaults);

}  // namespace headscope::worker
