// PREPARE: which samples of a shard the model can take, and how many tokens they have.
#pragma once

#include "worker/runtime/shard_session.h"

namespace headscope::worker {

// Implements ShardSession::Prepare.
ShardOutcome<PrepareResult> PrepareShard(ShardSessionParts& parts, const ShardInput& shard,
                                         const ShardControl& control);

}  // namespace headscope::worker
