// CompleteShard: takes in a result, stores it, and completes the shard.
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "proto/support/error.h"
#include "proto/support/log.h"
#include "proto/support/sha256.h"
#include "proto/support/wire/status_codec.h"
#include "server/fleet/call_clock.h"
#include "server/fleet/calls.h"
#include "server/fleet/changed_model.h"
#include "server/fleet/shard_intake.h"
#include "server/fleet/worker_codec.h"
#include "server/jobs/shard_id.h"

namespace headscope::server::calls {
namespace {

using worker::v1::CompleteShardRequest;
using Intake = std::variant<std::monostate, ScoreIntake, PrepareIntake, TokenizeIntake, RepeatIntake>;

absl::Status OutOfOrder(const char* wanted) {
  return absl::InvalidArgumentError(absl::StrCat("CompleteShard: wanted ", wanted));
}

// One step at a time: read (gRPC), check the header's lease (store), take in a block (files), ..., store the blob
// (files), complete (store). Only the step that is running starts the next one or finishes, so an abort just leaves
// word for it.
class CompleteShardCall final : public grpc::ServerReadReactor<CompleteShardRequest>, public LiveCall {
 public:
  static CompleteShardCall* Begin(FleetParts& parts) {
    std::shared_ptr<CompleteShardCall> call(new CompleteShardCall(parts));
    call->self_ = call;
    CompleteShardCall* const reactor = call.get();
    if (parts.calls.Add(call)) {
      reactor->StartRead(&reactor->message_);
    } else {
      reactor->End(FleetIsStopping());
    }
    return reactor;
  }

  void Abort(const absl::Status& status) override {
    absl::MutexLock lock(&mutex_);
    if (aborted_.ok()) aborted_ = status;
  }
  void OnCancel() override { Abort(absl::CancelledError("the worker hung up")); }
  void OnReadDone(bool ok) override {
    if (!ok) return End(OutOfOrder("a commit before the end of the stream"));
    clock_.Received(parts_.metrics);
    if (!has_header_) {
      if (!message_.has_header()) return End(OutOfOrder("a header first"));
      has_header_ = true;
      header_ = message_.header();
      lease_ = worker_codec::LeaseOf(header_);
      return OnStore(&CompleteShardCall::CheckLease);
    }
    OnIo(message_.has_commit() ? &CompleteShardCall::Commit : &CompleteShardCall::TakeIn);
  }
  void OnDone() override {
    parts_.calls.Remove(this);
    clock_.Record(parts_.metrics);
    const std::shared_ptr<CompleteShardCall> last = std::move(self_);
  }

 private:
  using StoreStep = void (CompleteShardCall::*)(JobStore&);
  using IoStep = void (CompleteShardCall::*)();

  explicit CompleteShardCall(FleetParts& parts)
      : parts_(parts), clock_(parts.metrics, "CompleteShard", RpcType::kClientStream) {}

  void OnStore(StoreStep step) {
    if (!parts_.posts.Store([this, step](JobStore& store) { (this->*step)(store); })) End(FleetIsStopping());
  }
  void OnIo(IoStep step) {
    if (!parts_.posts.Io([this, step] { (this->*step)(); })) End(FleetIsStopping());
  }
  void ReadNext() {
    if (absl::Status status = Aborted(); !status.ok()) return End(status);
    StartRead(&message_);
  }

  // Before anything is taken in: whose lease, and what it may bring.
  void CheckLease(JobStore& store) {
    if (TokenizeBroker::IsTask(lease_.shard)) {
      intake_.emplace<TokenizeIntake>();
      return ReadNext();
    }
    if (std::optional<std::string> accepted = parts_.leases.Accepted(lease_.shard, lease_.fence)) {
      intake_.emplace<RepeatIntake>(*std::move(accepted));
      return ReadNext();
    }
    absl::StatusOr<Lease> lease = store.CheckLease(lease_);
    if (!lease.ok()) return End(lease.status());
    if (absl::Status status = OpenIntake(store, *lease); !status.ok()) return End(status);
    parts_.leases.SetHandingIn(lease_.shard, lease_.fence, true, parts_.clock.Now());
    ReadNext();
  }

  absl::Status OpenIntake(JobStore& store, const Lease& lease) {
    const absl::StatusOr<ConnectedWorker> worker = FindSession(parts_, store, lease_.session);
    if (!worker.ok()) return worker.status();
    const CatalogueEntry* entry = worker->Model(lease.spec.model);
    if (entry == nullptr) {
      return absl::FailedPreconditionError(absl::StrCat("the worker's catalogue has no model ", lease.spec.model));
    }
    if (header_.model_digest().size() != 32) return OutOfOrder("a model digest of 32 bytes");
    if (lease.shard.phase == Phase::kPrepare) {
      intake_.emplace<PrepareIntake>(lease, *entry);
      return absl::OkStatus();
    }
    if (header_.model_digest() != lease.spec.model_digest) {
      const absl::StatusOr<Effect> effect =
          HandBackChanged(parts_, store, lease_, lease, FoundDigest(), /*passing=*/false);
      if (!effect.ok()) return effect.status();
      ForgetLease(parts_, store, lease_.shard, lease_.fence);
      parts_.news.Apply(*effect);
      return ModelChanged(lease.spec);
    }
    if (header_.batch_tokens() == 0 || header_.batch_tokens() > lease.shard.batch_tokens) {
      return OutOfOrder("batch_tokens between 1 and those of the shard");
    }
    intake_.emplace<ScoreIntake>(lease, *entry);
    return absl::OkStatus();
  }

  void TakeIn() {
    absl::Status status = OutOfOrder("a block of the lease's phase");
    if (auto* repeat = std::get_if<RepeatIntake>(&intake_)) {
      if (message_.has_scores()) status = repeat->Add(message_.scores());
      if (message_.has_prepared()) status = repeat->Add(message_.prepared());
      if (message_.has_tokens()) status = repeat->Add(message_.tokens());
    } else if (auto* scores = std::get_if<ScoreIntake>(&intake_)) {
      if (message_.has_scores()) status = scores->Add(message_.scores());
      if (message_.has_tokens()) status = scores->Add(message_.tokens());
    } else if (auto* prepared = std::get_if<PrepareIntake>(&intake_)) {
      if (message_.has_prepared()) status = prepared->Add(message_.prepared());
    } else if (auto* tokenized = std::get_if<TokenizeIntake>(&intake_)) {
      if (message_.has_tokenized()) status = tokenized->Add(message_.tokenized());
    }
    status.ok() ? ReadNext() : End(status);
  }

  void Commit() {
    digest_ = message_.commit().sha256();
    if (auto* repeat = std::get_if<RepeatIntake>(&intake_)) return CommitRepeat(*repeat);
    if (auto* tokenized = std::get_if<TokenizeIntake>(&intake_)) return CommitTokenized(*tokenized);
    if (auto* prepared = std::get_if<PrepareIntake>(&intake_)) return CommitPrepared(*prepared);
    CommitScores(std::get<ScoreIntake>(intake_));
  }

  void CommitRepeat(RepeatIntake& repeat) {
    if (absl::Status status = repeat.CheckDigest(digest_); !status.ok()) return End(status);
    if (digest_ == repeat.accepted()) return End(absl::OkStatus());
    End(MakeError(absl::StatusCode::kAborted, "another result was accepted under this lease", "STALE_LEASE"));
  }

  void CommitTokenized(TokenizeIntake& tokenized) {
    if (absl::Status status = tokenized.CheckDigest(digest_); !status.ok()) return End(status);
    absl::StatusOr<TokenizeAnswer> answer = tokenized.Finish();
    if (!answer.ok()) return End(answer.status());
    End(parts_.tokenizer.Complete(lease_, std::move(answer)));
  }

  void CommitPrepared(PrepareIntake& prepared) {
    if (absl::Status status = prepared.CheckDigest(digest_); !status.ok()) return End(status);
    absl::StatusOr<PrepareIntake::Result> result = prepared.Finish();
    if (!result.ok()) return End(result.status());
    prepared_ = *std::move(result);
    OnStore(&CompleteShardCall::CompletePrepare);
  }

  void CommitScores(ScoreIntake& scores) {
    if (absl::Status status = scores.CheckDigest(digest_); !status.ok()) return End(status);
    const absl::StatusOr<ScoreBlock> merged = scores.Finish();
    if (!merged.ok()) return End(merged.status());
    for (const std::uint32_t tokens : merged->response_tokens) response_tokens_ += tokens;
    bytes_ = EncodeScores(*merged);
    StoreScores();
  }

  void StoreScores() {
    absl::StatusOr<HeldBlob> held = parts_.intake.Put(bytes_);
    if (!held.ok()) return End(held.status());
    parts_.metrics.ArtifactBytesWritten(bytes_.size());
    held_ = *std::move(held);
    OnStore(&CompleteShardCall::CompleteScore);
  }

  void CompletePrepare(JobStore& store) {
    const auto effect = store.CompletePrepare(lease_, header_.model_digest(), prepared_.valid, prepared_.invalid);
    const absl::StatusOr<Job> job = store.GetJob(ParseShardId(lease_.shard).value_or(ShardId()).job);
    const bool refused = effect.ok() && job.ok() && !job->cancel_requested && !HasEnded(job->state) &&
                         job->spec.model_digest != header_.model_digest();
    if (!refused) return Completed(store, effect);
    MarkChanged(parts_, lease_.session, job->id, job->spec, FoundDigest(), /*passing=*/false);
    ForgetLease(parts_, store, lease_.shard, lease_.fence);
    parts_.news.Apply(*effect);
    End(ModelChanged(job->spec));
  }
  std::string FoundDigest() const { return absl::StrCat("found sha256:", ToHex(header_.model_digest())); }
  absl::Status ModelChanged(const JobSpec& spec) const {
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     absl::StrCat("model '", spec.model, "': the job is pinned to sha256:", ToHex(spec.model_digest),
                                  ", ", FoundDigest(), "; the shard goes to another worker"),
                     kModelChanged);
  }
  void CompleteScore(JobStore& store) {
    const auto effect = store.CompleteScore(lease_, held_.digest(), header_.batch_tokens(), response_tokens_);
    if (effect.ok()) held_.Recorded();
    Completed(store, effect);
  }

  void Completed(JobStore& store, const absl::StatusOr<Effect>& effect) {
    if (!effect.ok()) return End(effect.status());
    parts_.leases.Accept(lease_.shard, lease_.fence, digest_);
    parts_.stranded.Remove(ParseShardId(lease_.shard).value_or(ShardId()).job);
    ForgetLease(parts_, store, lease_.shard, lease_.fence);
    parts_.news.Apply(*effect);
    End(absl::OkStatus());
  }

  absl::Status Aborted() {
    absl::MutexLock lock(&mutex_);
    return aborted_;
  }

  void End(absl::Status status) {
    if (!status.ok()) {
      if (absl::Status aborted = Aborted(); !aborted.ok()) status = aborted;
      parts_.leases.SetHandingIn(lease_.shard, lease_.fence, false, parts_.clock.Now());
      // A text whose asker has gone is no sign of leases that are too short.
      if (absl::IsAborted(status) && !TokenizeBroker::IsTask(lease_.shard)) parts_.metrics.StaleCompletionRejected();
      Log(LogLevel::kWarning, "shard result refused", {{"shard", lease_.shard}, {"status", status}});
    }
    clock_.SetCode(status.code());
    Finish(ToGrpc(status));
  }

  FleetParts& parts_;
  CallClock clock_;
  // Of the running step.
  CompleteShardRequest message_;
  bool has_header_ = false;
  CompleteShardRequest::Header header_;
  LeaseKey lease_;
  Intake intake_;
  std::string digest_;
  PrepareIntake::Result prepared_;
  std::string bytes_;
  HeldBlob held_;
  std::uint64_t response_tokens_ = 0;
  std::shared_ptr<CompleteShardCall> self_;

  absl::Mutex mutex_;
  absl::Status aborted_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

grpc::ServerReadReactor<CompleteShardRequest>* CompleteShard(FleetParts& parts) {
  return CompleteShardCall::Begin(parts);
}

}  // namespace headscope::server::calls
