// Shards and their results on the wire.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "headscope/worker/v1/worker_service.pb.h"
#include "worker/runtime/shard.h"

namespace headscope::worker {

// Everything but the samples.
ShardInput FromProto(const v1::Shard& shard);
TokenizeInput TokenizeFromProto(const v1::Shard& shard);

// The parts of CompleteShard: `header` (which names the lease) completed with what the result says, blocks below 1 MiB,
// and the commit with their digest.
std::vector<v1::CompleteShardRequest> ToParts(v1::CompleteShardRequest::Header header, const ScoreResult& result);
std::vector<v1::CompleteShardRequest> ToParts(v1::CompleteShardRequest::Header header, const PrepareResult& result);
std::vector<v1::CompleteShardRequest> ToParts(v1::CompleteShardRequest::Header header, const TokenizeResult& result);

// The failure's part of FailShard.
void FillFailure(const ShardFailure& failure, v1::FailShardRequest& request);

}  // namespace headscope::worker
