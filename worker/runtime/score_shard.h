// SCORE: runs a method over a shard's samples, batch by batch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "worker/attribution/method.h"
#include "worker/model/model.h"
#include "worker/model/tokenizer/sample_encoder.h"
#include "worker/runtime/compute_turn.h"
#include "worker/runtime/shard_session.h"

namespace headscope::worker {

// One run of ShardSession::Score. Thread-compatible; used once. Computes on the device thread.
class ScoreShard {
 public:
  // Arguments outlive the run.
  ScoreShard(ShardSessionParts& parts, ComputeTurn& turn, const ShardInput& shard, const ShardControl& control);

  ShardOutcome<ScoreResult> Run();

 private:
  using Batch = std::vector<std::size_t>;
  // Nothing: the step succeeded.
  using Ending = std::optional<std::variant<ShardFailure, ShardStopped>>;

  Ending FindModel();
  Ending EncodeSamples();
  // What follows has the device to itself.
  Ending TakeTurn();
  Ending LoadModel();
  Ending CheckResultSize();
  Ending RunBatches();
  // Scores one batch on the device thread and puts its scores in place.
  absl::Status RunBatch(const Batch& batch);
  absl::StatusOr<BatchScores> ScoreOnDevice(const Batch& batch);
  // What a batch's error means for the shard; nothing when the budget was halved and the shard is to be begun again.
  Ending AfterError(const Batch& batch, const absl::Status& error);
  Ending AfterOutOfMemory(const Batch& batch, const absl::Status& error);
  ShardFailure NonFinite(const Batch& batch, const absl::Status& error);
  void Begin();
  std::uint64_t Tokens(const Batch& batch) const;
  // BatchCost of `batch`, whose last sample is the longest.
  std::uint64_t Cost(const Batch& batch) const;
  // Gives the engine and the model back, and the turn.
  void Release();
  // Before a batch is run: tells the control when the batches from here on will take no longer than kShortRest, or are
  // one.
  void SayWhenNearlyDone(std::size_t batches_left);
  bool Cancelled() const;
  bool ToStop() const;
  bool TimedOut() const;

  ShardSessionParts& parts_;
  ComputeTurn& turn_;
  bool has_turn_ = false;
  const ShardInput& shard_;
  const ShardControl& control_;
  const Method* method_ = nullptr;
  ModelEntry entry_;
  std::shared_ptr<const Model> model_;
  EngineKind kind_ = EngineKind::kFast;
  std::unique_ptr<Engine> engine_;
  std::vector<EncodedSample> encoded_;
  std::vector<std::uint32_t> token_counts_;
  std::optional<TokenRecord> recorded_;
  std::uint32_t batch_tokens_ = 0;
  absl::Time batch_start_;
  ScoreResult result_;
  std::uint64_t samples_done_ = 0;
  std::uint64_t tokens_done_ = 0;
  std::uint64_t tokens_total_ = 0;
  bool said_nearly_done_ = false;
};

}  // namespace headscope::worker
