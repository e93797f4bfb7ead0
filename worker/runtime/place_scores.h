// Where a batch's scores go in the result of a shard.
#pragma once

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "worker/attribution/method.h"
#include "worker/runtime/shard.h"

namespace headscope::worker {

// Copies the scores of a batch, whose sample i is the shard's places[i], into `result`, whose objective and planes have
// room for the shard. INTERNAL when the method returned other planes or sizes than there is room for.
absl::Status PlaceScores(const BatchScores& scores, const std::vector<std::size_t>& places, ScoreResult& result);

}  // namespace headscope::worker
