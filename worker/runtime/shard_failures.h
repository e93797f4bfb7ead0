// From statuses to the failures of shards.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "worker/runtime/shard.h"

namespace headscope::worker {

// `status` came from looking up, loading or starting the model `name`.
ShardFailure ModelFailure(const absl::Status& status);

// What was found under a model's name is not what the job is pinned to.
ShardFailure ModelChanged(const std::string& name, const std::string& wanted_digest, const std::string& found_digest);

}  // namespace headscope::worker
