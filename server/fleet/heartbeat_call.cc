// Heartbeat: keeps a session alive, brings progress, and waits with what the worker must be told.
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "proto/support/log.h"
#include "server/fleet/calls.h"
#include "server/fleet/unary_call.h"
#include "server/fleet/worker_codec.h"

namespace headscope::server::calls {
namespace {

using worker::v1::HeartbeatRequest;
using worker::v1::HeartbeatResponse;
using Call = UnaryCall<HeartbeatRequest, HeartbeatResponse>;
using LeaseName = std::pair<std::string, std::uint64_t>;

constexpr int kMaxHeld = 1000;

// A completed lease passes the store's check too.
bool IsRunning(const absl::StatusOr<Lease>& lease) { return lease.ok() && lease->shard.state == ShardState::kLeased; }

// One heartbeat on the store's thread.
class Turn {
 public:
  Turn(FleetParts& parts, JobStore& store, const HeartbeatRequest& request)
      : parts_(parts), store_(store), request_(request), session_(worker_codec::SessionOf(request)) {}

  // What the worker must be told at once.
  absl::StatusOr<HeartbeatNews> Run() {
    if (absl::Status status = Hear(); !status.ok()) return status;
    CollectHeld();
    if (absl::Status status = Extend(); !status.ok()) return status;
    TakeProgress();
    TakeBackStalled();
    ForgetEnded();
    news_.drain = parts_.draining && parts_.sessions.TellDrain(session_);
    return std::move(news_);
  }

 private:
  absl::Status Hear() {
    if (request_.held_size() > kMaxHeld) {
      return absl::InvalidArgumentError(absl::StrCat("held: ", request_.held_size(), " leases, at most ", kMaxHeld));
    }
    absl::StatusOr<ConnectedWorker> worker = FindSession(parts_, store_, session_);
    if (!worker.ok()) return worker.status();
    parts_.sessions.Heard(session_, worker_codec::NamesOf(request_.resident()), parts_.clock.Now());
    if (!request_.has_catalogue()) return absl::OkStatus();
    const absl::StatusOr<std::vector<CatalogueEntry>> entries = worker_codec::EntriesOf(request_.catalogue());
    if (!entries.ok()) return entries.status();
    // Where it cannot be written (a full disk) the worker was heard all the same, and sends it again.
    const absl::Status status = store_.PutCatalogue(worker->description.worker_id, *entries);
    if (!status.ok()) return status;
    parts_.sessions.SetModels(session_, ModelsByName(*entries));
    RefreshKnownModels(parts_, store_);
    parts_.dispatcher.Wake();
    return absl::OkStatus();
  }

  // Splits what the worker holds into shards and texts; a shard that memory does not know (the server was started
  // again) is taken up.
  void CollectHeld() {
    for (const worker::v1::Held& held : request_.held()) {
      const LeaseKey key{session_, held.lease().shard(), held.lease().fence()};
      if (TokenizeBroker::IsTask(key.shard)) {
        if (!parts_.tokenizer.IsHeld(key)) news_.abandon.emplace_back(key.shard, key.fence);
        continue;
      }
      held_.emplace(key.shard, key.fence);
      if (parts_.leases.Has(key.shard, key.fence)) continue;
      const absl::StatusOr<Lease> lease = store_.CheckLease(key);
      if (IsRunning(lease)) parts_.leases.Add(key, *lease, parts_.clock.Now());
    }
    for (const HeldLease& lease : parts_.leases.OfSession(session_)) {
      if (lease.handing_in) held_.emplace(lease.key.shard, lease.key.fence);
    }
  }

  absl::Status Extend() {
    const absl::StatusOr<HeartbeatAnswer> answer = store_.Heartbeat(session_, {held_.begin(), held_.end()});
    if (!answer.ok()) {
      if (absl::IsAborted(answer.status())) {
        ForgetSession(parts_, store_, session_, /*lost=*/true);
        return answer.status();
      }
      // What cannot be written (a full disk) is no fault of the worker's: it was heard.
      Log(LogLevel::kWarning, "a heartbeat could not be written", {{"status", answer.status()}});
      return absl::OkStatus();
    }
    news_.abandon.insert(news_.abandon.end(), answer->abandon.begin(), answer->abandon.end());
    parts_.news.Apply(answer->effect);
    return absl::OkStatus();
  }

  void TakeProgress() {
    std::set<std::string> moved;
    for (const worker::v1::Held& held : request_.held()) {
      const std::string& shard = held.lease().shard();
      if (!parts_.leases.Report(shard, held.lease().fence(), held.samples_done(), held.tokens_done(),
                                parts_.clock.Now())) {
        continue;
      }
      for (const HeldLease& lease : parts_.leases.OfSession(session_)) {
        if (lease.key.shard == shard) moved.insert(lease.job);
      }
    }
    for (const std::string& job : moved) parts_.news.PublishProgress(store_, job);
  }

  // A live worker can hold a hung computation.
  void TakeBackStalled() {
    const absl::Duration timeout = parts_.options.no_progress_timeout;
    for (const HeldLease& lease : parts_.leases.OfSession(session_)) {
      if (lease.handing_in || parts_.clock.Now() - lease.progress_time < timeout) continue;
      ShardFailure failure;
      failure.failure = {"INTERNAL", absl::StrCat("no batch finished for ", absl::FormatDuration(timeout))};
      failure.retryable = true;
      const absl::StatusOr<Effect> effect = store_.Fail(lease.key, failure);
      if (effect.ok()) parts_.news.Apply(*effect);
      news_.abandon.emplace_back(lease.key.shard, lease.key.fence);
      Log(LogLevel::kWarning, "shard without progress taken back", {{"shard", lease.key.shard}});
    }
  }

  // Leases that the store has ended meanwhile: abandoned, or granted by an answer that was lost.
  void ForgetEnded() {
    const std::set<LeaseName> abandon(news_.abandon.begin(), news_.abandon.end());
    for (const HeldLease& lease : parts_.leases.OfSession(session_)) {
      const LeaseName name(lease.key.shard, lease.key.fence);
      if (held_.count(name) != 0 && abandon.count(name) == 0) continue;
      if (!IsRunning(store_.CheckLease(lease.key))) {
        ForgetLease(parts_, store_, lease.key.shard, lease.key.fence);
      }
    }
  }

  FleetParts& parts_;
  JobStore& store_;
  const HeartbeatRequest& request_;
  const SessionRef session_;
  std::set<LeaseName> held_;
  HeartbeatNews news_;
};

void Answer(Call& call, const absl::StatusOr<HeartbeatNews>& news) {
  if (!news.ok()) return call.Abort(news.status());
  call.Answer([&](HeartbeatResponse& response) {
    for (const auto& [shard, fence] : news->abandon) *response.add_abandon() = worker_codec::ToRef(shard, fence);
    response.set_drain(news->drain);
  });
}

}  // namespace

grpc::ServerUnaryReactor* Heartbeat(FleetParts& parts, const HeartbeatRequest* request, HeartbeatResponse* response) {
  const auto call = Call::Begin(parts, "Heartbeat", request, response);
  call->OnStore([&parts, call](JobStore& store) {
    const absl::StatusOr<HeartbeatNews> news = Turn(parts, store, call->request()).Run();
    if (!news.ok() || !news->abandon.empty() || news->drain || call->request().immediate()) {
      return Answer(*call, news);
    }
    const SessionRef session = worker_codec::SessionOf(call->request());
    const std::uint64_t poll =
        parts.polls.Park(session, [call](const absl::StatusOr<HeartbeatNews>& later) { Answer(*call, later); });
    parts.timers.After(parts.options.heartbeat_interval, [&parts, poll] { parts.polls.Timeout(poll); });
  });
  return call.get();
}

}  // namespace headscope::server::calls
