// The names of enumerators, each once: what the store, logs and metrics write.
#pragma once

#include <optional>
#include <string_view>

#include "server/jobs/job.h"
#include "server/jobs/options.h"

namespace headscope::server {

// "SUCCEEDED", "PREPARE", "LEASED", "WORKER_LOST".
std::string_view Name(JobState state);
std::string_view Name(Phase phase);
std::string_view Name(ShardState state);
std::string_view Name(Outcome outcome);

// The option values of the command line: "float32", "reference", "refuse", "per-sample-mean".
std::string_view Name(DType dtype);
std::string_view Name(EngineKind engine);
std::string_view Name(OnInvalid on_invalid);
std::string_view Name(LossScale loss_scale);
std::string_view Name(Absolute absolute);
std::string_view Name(Positions positions);
std::string_view Name(LayerNorm layer_norm);
std::string_view Name(HeadAxis head_axis);

// The inverse, for every enumeration above; nullopt for any other text.
template <typename Enum>
std::optional<Enum> FromName(std::string_view name);

}  // namespace headscope::server
