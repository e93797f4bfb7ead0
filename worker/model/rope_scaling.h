// The kinds of rope scaling: what each reads of its object, and what it makes of a rope.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "worker/model/config_reader.h"
#include "worker/model/rope.h"

namespace headscope::worker {

// A rope before scaling.
struct UnscaledRope {
  double theta = 10000.0;
  std::int64_t dimensions = 0;
  // max_position_embeddings.
  std::int64_t positions = 0;
};

// Applies the scaling of `kind`, with the numbers in `scaling`, to the unscaled rope in `reading`.
// original_max_position_embeddings may stand in `config` too, or else be `original_positions`. Faults are noted in
// `scaling`.
void ScaleRope(const ConfigReader& config, ConfigReader& scaling, const std::string& kind, const UnscaledRope& base,
               std::optional<std::int64_t> original_positions, RopeReading* reading);

// "default, linear, ...".
std::string RopeKindNames();

}  // namespace headscope::worker
