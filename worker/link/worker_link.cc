#include "worker/link/worker_link.h"

#include <thread>
#include <utility>

#include "proto/support/log.h"
#include "worker/link/lease_loop.h"
#include "worker/link/link_parts.h"
#include "worker/link/session_keeper.h"
#include "worker/link/shard_runner.h"

namespace headscope::worker {
namespace {

// One shard is handed in, one computes, one is made ready.
constexpr int kScoreThreads = 3;

}  // namespace

class WorkerLink::Impl {
 public:
  Impl(LinkOptions options, LinkTargets targets, std::function<void(const absl::Status&)> on_fatal)
      : options_(std::move(options)),
        client_(options_),
        session_(client_, leases_),
        parts_{options_,          client_,        session_,       leases_,        stop_,
               targets.catalogue, targets.models, targets.shards, targets.metrics},
        keeper_(parts_, std::move(on_fatal)),
        runner_(parts_, [this] { keeper_.Wake(); }),
        score_("score", {v1::PHASE_SCORE}, kScoreThreads, parts_, runner_),
        light_("prepare", {v1::PHASE_PREPARE, v1::PHASE_TOKENIZE}, /*threads=*/1, parts_, runner_) {}

  void Start() {
    keeper_.Start();
    score_.Start();
    light_.Start();
  }

  void Wake() { keeper_.Wake(); }

  void Hurry() {
    leases_.HandBackAll(/*hurry=*/true);
    client_.CancelCalls();
  }

  void Drain() {
    if (std::exchange(drained_, true)) return;
    session_.CloseLeasing();
    leases_.HandBackAll(/*hurry=*/false);
    client_.EndLeasing();
    StopFlag joined;
    std::thread watchdog([&] {
      if (!joined.WaitFor(options_.drain_grace)) Hurry();
    });
    score_.Join();
    light_.Join();
    joined.Set();
    watchdog.join();
    stop_.Set();
    CloseSession();
    client_.CancelCalls();
  }

 private:
  void CloseSession() {
    const std::optional<SessionRef> session = session_.Get();
    if (!session.has_value()) return;
    session_.Forget();
    v1::CloseSessionRequest request;
    request.set_session(session->session);
    request.set_epoch(session->epoch);
    const absl::Status status = client_.CloseSession(request, options_.farewell_deadline);
    Log(LogLevel::kInfo, "session closed", {{"status", status.ok() ? "ok" : status.message()}});
  }

  const LinkOptions options_;
  ServerClient client_;
  HeldLeases leases_;
  Session session_;
  StopFlag stop_;
  LinkParts parts_;
  SessionKeeper keeper_;
  ShardRunner runner_;
  LeaseLoop score_;
  LeaseLoop light_;
  // Of the thread that drains.
  bool drained_ = false;
};

WorkerLink::WorkerLink(LinkOptions options, LinkTargets targets, std::function<void(const absl::Status&)> on_fatal)
    : impl_(std::make_unique<Impl>(std::move(options), targets, std::move(on_fatal))) {}

WorkerLink::~WorkerLink() { Drain(); }

void WorkerLink::Start() { impl_->Start(); }
void WorkerLink::CatalogueChanged() { impl_->Wake(); }
void WorkerLink::Drain() { impl_->Drain(); }
void WorkerLink::Hurry() { impl_->Hurry(); }

}  // namespace headscope::worker
