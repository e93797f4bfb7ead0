// Works on leased shards: tokenises and checks (PREPARE), scores (SCORE), or tokenises one text.
#pragma once

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "worker/model/engine.h"
#include "worker/runtime/compute_turn.h"
#include "worker/runtime/device_thread.h"
#include "worker/runtime/metrics.h"
#include "worker/runtime/model_cache.h"
#include "worker/runtime/model_catalogue.h"
#include "worker/runtime/shard.h"
#include "worker/runtime/tokenizer_cache.h"

namespace headscope::worker {

// Makes an engine; MakeEngine unless a test wants a device that fails.
using EngineFactory =
    std::function<absl::StatusOr<std::unique_ptr<Engine>>(EngineKind kind, std::shared_ptr<const Model> model)>;

// What a session works with; everything outlives it.
struct ShardSessionParts {
  ModelCatalogue& catalogue;
  ModelCache& models;
  TokenizerCache& tokenizers;
  DeviceThread& device;
  Metrics& metrics;
  EngineFactory make_engine = MakeEngine;
};

// Thread-safe. Calls block until the shard is done, failed or stopped. Of several Score calls at a time one computes;
// the others tokenise and wait.
class ShardSession {
 public:
  explicit ShardSession(ShardSessionParts parts) : parts_(std::move(parts)) {}

  // Needs no device. Checks every sample and counts its tokens.
  ShardOutcome<PrepareResult> Prepare(const ShardInput& shard, const ShardControl& control);
  // Batches are a pure function of the token counts and the batch budget, which is halved, and the shard begun again,
  // when the device runs out of memory, down to single samples.
  ShardOutcome<ScoreResult> Score(const ShardInput& shard, const ShardControl& control);
  ShardOutcome<TokenizeResult> Tokenize(const TokenizeInput& input, const ShardControl& control);

 private:
  ShardSessionParts parts_;
  ComputeTurn turn_;
};

}  // namespace headscope::worker
