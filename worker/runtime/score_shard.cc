#include "worker/runtime/score_shard.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "proto/support/log.h"
#include "worker/runtime/batcher.h"
#include "worker/runtime/place_scores.h"
#include "worker/runtime/sample_preparer.h"
#include "worker/runtime/shard_failures.h"
#include "worker/runtime/token_record.h"

namespace headscope::worker {
namespace {

// Enough to lease the next shard, to read and to tokenise its samples beside the computing.
constexpr double kShortRestSeconds = 2;

ShardFailure Internal(std::string message) { return {.reason = "INTERNAL", .message = std::move(message)}; }
ShardFailure InvalidOptions(const absl::Status& status) {
  return {.reason = "INVALID_OPTIONS", .message = std::string(status.message())};
}

std::string Name(const ShardSample& sample) {
  return absl::StrCat("sample \"", sample.sample.id, "\" (position ", sample.index, ")");
}

}  // namespace

ScoreShard::ScoreShard(ShardSessionParts& parts, ComputeTurn& turn, const ShardInput& shard,
                       const ShardControl& control)
    : parts_(parts), turn_(turn), shard_(shard), control_(control), batch_tokens_(shard.batch_tokens) {}

bool ScoreShard::Cancelled() const { return control_.cancelled && control_.cancelled(); }

bool ScoreShard::ToStop() const { return Cancelled() || (control_.stop_after_batch && control_.stop_after_batch()); }

bool ScoreShard::TimedOut() const { return absl::Now() - batch_start_ > control_.no_progress_timeout; }

ShardOutcome<ScoreResult> ScoreShard::Run() {
  const auto release = absl::MakeCleanup([this] { Release(); });
  for (const auto step : {&ScoreShard::FindModel, &ScoreShard::EncodeSamples, &ScoreShard::CheckResultSize,
                          &ScoreShard::TakeTurn, &ScoreShard::LoadModel, &ScoreShard::RunBatches}) {
    if (const Ending ending = (this->*step)()) {
      if (const auto* failure = std::get_if<ShardFailure>(&*ending)) return *failure;
      return ShardStopped{};
    }
  }
  result_.recorded = std::move(recorded_);
  return std::move(result_);
}

void ScoreShard::Release() {
  if (!has_turn_) return;
  // The engine and the model's pin hold tensors: they go where they were made.
  parts_.device.Run([this] {
    if (engine_ != nullptr) parts_.models.KeepEngine(*model_, kind_, std::move(engine_));
    engine_.reset();
    model_.reset();
  });
  turn_.Give();
}

ScoreShard::Ending ScoreShard::TakeTurn() {
  has_turn_ = turn_.Take([this] { return ToStop(); });
  if (!has_turn_) return ShardStopped{};
  return std::nullopt;
}

ScoreShard::Ending ScoreShard::FindModel() {
  const auto method = FindMethod(shard_.compute.method);
  if (!method.ok()) return InvalidOptions(method.status());
  method_ = *method;
  absl::StatusOr<ModelEntry> entry = parts_.catalogue.Resolve(shard_.model, control_.cancelled);
  if (absl::IsCancelled(entry.status())) return ShardStopped{};
  if (!entry.ok()) return ModelFailure(entry.status());
  if (entry->digest != shard_.model_digest) return ModelChanged(shard_.model, shard_.model_digest, entry->digest);
  entry_ = *std::move(entry);
  return std::nullopt;
}

ScoreShard::Ending ScoreShard::EncodeSamples() {
  const absl::Time start = absl::Now();
  const absl::StatusOr<SamplePreparer> preparer = SamplePreparer::Make(entry_, shard_.compute, parts_.tokenizers);
  if (!preparer.ok()) return ModelFailure(preparer.status());
  for (const ShardSample& item : shard_.samples) {
    if (Cancelled()) return ShardStopped{};
    auto prepared = preparer->Prepare(item.sample);
    if (const auto* fault = std::get_if<SampleFault>(&prepared)) {
      return Internal(
          absl::StrCat(Name(item), " was valid when the job was prepared and is not now: ", fault->message));
    }
    encoded_.push_back(std::get<EncodedSample>(std::move(prepared)));
    token_counts_.push_back(static_cast<std::uint32_t>(encoded_.back().ids.size()));
    tokens_total_ += token_counts_.back();
  }
  if (shard_.compute.record_tokens) recorded_ = RecordTokens(encoded_, preparer->tokenizer());
  parts_.metrics.ObserveStage(Stage::kTokenise, absl::ToDoubleSeconds(absl::Now() - start));
  return std::nullopt;
}

ScoreShard::Ending ScoreShard::LoadModel() {
  const absl::StatusOr<DType> dtype = ParseDType(shard_.compute.dtype);
  if (!dtype.ok()) return InvalidOptions(dtype.status());
  const absl::StatusOr<EngineKind> kind = ParseEngineKind(shard_.compute.engine);
  if (!kind.ok()) return InvalidOptions(kind.status());
  const absl::Time start = absl::Now();
  const absl::Status loaded = parts_.device.Run([&]() -> absl::Status {
    absl::StatusOr<std::shared_ptr<const Model>> model = parts_.models.Get(entry_, *dtype);
    if (!model.ok()) return model.status();
    model_ = *std::move(model);
    return absl::OkStatus();
  });
  parts_.metrics.ObserveStage(Stage::kLoad, absl::ToDoubleSeconds(absl::Now() - start));
  if (!loaded.ok()) return ModelFailure(loaded);
  // Loaded from files that changed meanwhile, it could be anything: nobody may find it under that digest.
  const absl::Status unchanged = parts_.catalogue.CheckUnchanged(entry_);
  if (!unchanged.ok()) {
    parts_.device.Run([this] { parts_.models.Drop(*model_); });
    return ModelFailure(unchanged);
  }
  kind_ = *kind;
  const absl::Status made = parts_.device.Run([&]() -> absl::Status {
    engine_ = parts_.models.TakeEngine(*model_, *kind);
    if (engine_ != nullptr) return absl::OkStatus();
    absl::StatusOr<std::unique_ptr<Engine>> engine = parts_.make_engine(*kind, model_);
    if (!engine.ok()) return engine.status();
    engine_ = *std::move(engine);
    return absl::OkStatus();
  });
  if (absl::IsInvalidArgument(made) || absl::IsFailedPrecondition(made)) return InvalidOptions(made);
  if (!made.ok()) return ModelFailure(made);
  return std::nullopt;
}

ScoreShard::Ending ScoreShard::CheckResultSize() {
  const std::uint64_t values = shard_.samples.size() * static_cast<std::uint64_t>(entry_.layers) * entry_.heads;
  std::uint64_t bytes = values * sizeof(float) * method_->PlaneNames().size();
  if (recorded_) bytes += RecordBytes(*recorded_);
  if (shard_.max_result_bytes == 0 || bytes <= shard_.max_result_bytes) return std::nullopt;
  return Internal(
      absl::StrCat("the shard's result takes ", bytes, " bytes, at most ", shard_.max_result_bytes, " were planned"));
}

void ScoreShard::Begin() {
  const std::size_t samples = shard_.samples.size();
  const std::size_t matrix = static_cast<std::size_t>(entry_.layers) * entry_.heads;
  result_ = ScoreResult{.model_digest = entry_.digest,
                        .batch_tokens = batch_tokens_,
                        .layers = entry_.layers,
                        .heads = entry_.heads,
                        .tokens = token_counts_,
                        .response_tokens = std::vector<std::uint32_t>(samples),
                        .objective = std::vector<double>(samples)};
  for (const ShardSample& sample : shard_.samples) result_.samples.push_back(sample.index);
  for (const std::string& plane : method_->PlaneNames()) result_.planes[plane].resize(samples * matrix);
  samples_done_ = 0;
  tokens_done_ = 0;
}

ScoreShard::Ending ScoreShard::RunBatches() {
  while (true) {
    Begin();
    std::vector<Batch> batches = PlanBatches(token_counts_, batch_tokens_, kind_);
    // The longest first: where memory is short, little has been done in vain.
    std::reverse(batches.begin(), batches.end());
    const std::uint32_t budget = batch_tokens_;
    for (std::size_t i = 0; i < batches.size(); ++i) {
      if (ToStop()) return ShardStopped{};
      SayWhenNearlyDone(batches.size() - i);
      const absl::Status status = RunBatch(batches[i]);
      if (status.ok()) continue;
      if (Ending ending = AfterError(batches[i], status)) return ending;
      break;
    }
    if (budget == batch_tokens_) return std::nullopt;
  }
}

void ScoreShard::SayWhenNearlyDone(std::size_t batches_left) {
  if (said_nearly_done_ || !control_.nearly_done) return;
  const double seconds_left = tokens_done_ == 0 ? kShortRestSeconds + 1
                                                : result_.compute_seconds / static_cast<double>(tokens_done_) *
                                                      static_cast<double>(tokens_total_ - tokens_done_);
  if (batches_left > 1 && seconds_left > kShortRestSeconds) return;
  said_nearly_done_ = true;
  control_.nearly_done();
}

absl::StatusOr<BatchScores> ScoreShard::ScoreOnDevice(const Batch& batch) {
  PackedBatch packed;
  for (const std::size_t sample : batch) packed.Add(encoded_[sample].ids, encoded_[sample].prompt_tokens);
  batch_start_ = absl::Now();
  absl::StatusOr<BatchScores> scores = parts_.device.Run([&] {
    return method_->Score(*engine_, packed, entry_.layers, entry_.heads, [this] { return Cancelled() || TimedOut(); });
  });
  const double seconds = absl::ToDoubleSeconds(absl::Now() - batch_start_);
  result_.compute_seconds += seconds;
  parts_.metrics.ObserveStage(Stage::kScore, seconds);
  for (std::size_t i = 0; scores.ok() && i < batch.size(); ++i) {
    result_.response_tokens[batch[i]] = static_cast<std::uint32_t>(packed.ResponseTokens(static_cast<std::int64_t>(i)));
  }
  return scores;
}

std::uint64_t ScoreShard::Tokens(const Batch& batch) const {
  std::uint64_t tokens = 0;
  for (const std::size_t sample : batch) tokens += token_counts_[sample];
  return tokens;
}

std::uint64_t ScoreShard::Cost(const Batch& batch) const {
  return BatchCost(kind_, batch.size(), token_counts_[batch.back()], Tokens(batch));
}

absl::Status ScoreShard::RunBatch(const Batch& batch) {
  const absl::StatusOr<BatchScores> scores = ScoreOnDevice(batch);
  if (!scores.ok()) return scores.status();
  const absl::Status stored = PlaceScores(*scores, batch, result_);
  if (!stored.ok()) return stored;
  const std::uint64_t tokens = Tokens(batch);
  const std::uint64_t padded = Cost(batch) - tokens;
  ++result_.batches;
  result_.padded_tokens += padded;
  samples_done_ += batch.size();
  tokens_done_ += tokens;
  parts_.metrics.ObserveBatch(entry_.name, tokens, padded, batch.size());
  if (control_.progress) control_.progress(samples_done_, tokens_done_);
  return absl::OkStatus();
}

ScoreShard::Ending ScoreShard::AfterError(const Batch& batch, const absl::Status& error) {
  if (absl::IsCancelled(error) && Cancelled()) return ShardStopped{};
  if (absl::IsCancelled(error)) {
    ShardFailure failure = Internal(absl::StrCat("a batch of ", batch.size(), " samples was not finished within ",
                                                 absl::FormatDuration(control_.no_progress_timeout)));
    failure.retryable = true;
    return failure;
  }
  if (absl::IsResourceExhausted(error)) return AfterOutOfMemory(batch, error);
  if (absl::IsDataLoss(error)) return NonFinite(batch, error);
  return Internal(std::string(error.message()));
}

ScoreShard::Ending ScoreShard::AfterOutOfMemory(const Batch& batch, const absl::Status& error) {
  parts_.metrics.OutOfMemory();
  parts_.device.Run([this] {
    engine_->ReleaseBuffers();
    parts_.models.EvictUnused();
  });
  // Budgets that leave the failed batch as it is need no try.
  const std::uint64_t needed = Cost(batch);
  std::uint32_t next = batch_tokens_ / 2;
  while (next >= needed) next /= 2;
  if (batch.size() == 1 || next == 0) {
    return ShardFailure{.reason = "OUT_OF_MEMORY",
                        .message = absl::StrCat("memory ran out on ", Name(shard_.samples[batch.front()]), " of ",
                                                token_counts_[batch.front()], " tokens alone: ", error.message()),
                        .retryable = true,
                        .suggested_batch_tokens = batch_tokens_};
  }
  Log(LogLevel::kWarning, "out of memory: the batch budget is halved",
      {{"model", entry_.name}, {"batch_tokens", batch_tokens_}, {"next", next}});
  batch_tokens_ = next;
  return std::nullopt;
}

// The method names the sample by its place in the batch; alone, each shows whether it was it.
ShardFailure ScoreShard::NonFinite(const Batch& batch, const absl::Status& error) {
  ShardFailure failure = {.reason = "NON_FINITE_SCORES"};
  for (const std::size_t sample : batch) {
    if (Cancelled()) break;
    const absl::Status alone = batch.size() == 1 ? error : ScoreOnDevice({sample}).status();
    if (!absl::IsDataLoss(alone)) continue;
    failure.message = absl::StrCat(Name(shard_.samples[sample]), ": ", alone.message());
    return failure;
  }
  failure.message = absl::StrCat("in a batch from ", Name(shard_.samples[batch.front()]), " to ",
                                 Name(shard_.samples[batch.back()]), ": ", error.message());
  return failure;
}

}  // namespace headscope::worker
