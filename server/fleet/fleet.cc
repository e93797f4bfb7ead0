#include "server/fleet/fleet.h"

#include <grpcpp/impl/service_type.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "proto/support/log.h"
#include "server/fleet/fleet_parts.h"
#include "server/fleet/reaper.h"
#include "server/fleet/worker_service.h"

namespace headscope::server {

class Fleet::Impl {
 public:
  Impl(FleetOptions options, StoreExecutor& store, BlobStore& blobs, IoPool& io, JobEvents& events, Metrics& metrics,
       const Clock& clock)
      : parts(std::move(options), store, blobs, io, events, metrics, clock), service(parts), reaper(parts, events) {}

  FleetParts parts;
  WorkerService service;
  Reaper reaper;
};

Fleet::Fleet(FleetOptions options, StoreExecutor& store, BlobStore& blobs, IoPool& io, JobEvents& events,
             Metrics& metrics, const Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(options), store, blobs, io, events, metrics, clock)) {}

Fleet::~Fleet() { Stop(); }

grpc::Service& Fleet::worker_service() { return impl_->service; }

void Fleet::Apply(const Effect& effect) { impl_->parts.news.Apply(effect); }

LiveProgress Fleet::Running(const std::string& job) const { return impl_->parts.leases.Running(job); }

std::vector<WorkerView> Fleet::Workers() const {
  std::vector<WorkerView> views;
  for (const ConnectedWorker& worker : impl_->parts.sessions.All()) {
    WorkerView view;
    view.worker_id = worker.description.worker_id;
    view.device = worker.description.device;
    view.build = worker.description.build;
    view.local = worker.description.local;
    for (const auto& [name, entry] : *worker.models) view.models.push_back(name);
    view.resident_models.assign(worker.resident.begin(), worker.resident.end());
    view.leases = impl_->parts.leases.OfSession(worker.session).size();
    views.push_back(std::move(view));
  }
  return views;
}

std::string Fleet::BlockedReason(const std::string& model, const std::string& model_digest) const {
  const std::vector<ConnectedWorker> workers = impl_->parts.sessions.All();
  if (workers.empty()) return "no worker is connected";
  const absl::Time now = impl_->parts.clock.Now();
  bool has_name = false;
  std::size_t changed = 0;
  for (const ConnectedWorker& worker : workers) {
    const CatalogueEntry* entry = worker.Model(model);
    if (entry == nullptr || !entry->unsupported.empty()) continue;
    has_name = true;
    if (worker.CanServe(model, model_digest, now)) return "";
    changed += worker.IsUnfit(model, model_digest, now) ? 1 : 0;
  }
  std::string reason = absl::StrCat("no connected worker has model ", model);
  if (has_name && !model_digest.empty()) absl::StrAppend(&reason, " with the content the job is pinned to");
  if (changed > 0) absl::StrAppend(&reason, "; MODEL_CHANGED on ", changed, " of ", workers.size());
  return reason;
}

std::string Fleet::Tokenize(TokenizeQuery query, std::function<void(absl::StatusOr<TokenizeAnswer>)> done) {
  FleetParts& parts = impl_->parts;
  absl::StatusOr<std::string> task;
  if (parts.draining) {
    task = FleetIsStopping();
  } else if (const std::string blocked = BlockedReason(query.model, ""); !blocked.empty()) {
    task = MakeError(absl::StatusCode::kUnavailable, blocked, ErrorDetails{"NO_WORKER", {}, absl::Seconds(5)});
  } else {
    task = parts.tokenizer.Submit(std::move(query), done);
  }
  if (!task.ok()) {
    done(task.status());
    return "";
  }
  parts.timers.After(parts.options.tokenize_timeout, [&parts, id = *task] { parts.tokenizer.Expire(id); });
  parts.dispatcher.Wake();
  return *std::move(task);
}

void Fleet::DropText(const std::string& id) { impl_->parts.tokenizer.Drop(id); }

void Fleet::LoseLocalWorker(const std::string& worker_id) {
  FleetParts& parts = impl_->parts;
  // It was ended with the server: the next start hands back what it held, without blame.
  if (parts.draining) return;
  parts.posts.Store([&parts, worker_id](JobStore& store) {
    const absl::StatusOr<Effect> effect = store.LoseWorker(worker_id);
    if (!effect.ok()) {
      Log(LogLevel::kError, "cannot end a lost worker's session", {{"worker", worker_id}, {"status", effect.status()}});
      return;
    }
    if (const auto session = parts.sessions.OfWorker(worker_id)) ForgetSession(parts, store, *session, /*lost=*/true);
    parts.news.Apply(*effect);
  });
}

void Fleet::Start() {
  FleetParts& parts = impl_->parts;
  parts.posts.Store([&parts](JobStore& store) { RefreshKnownModels(parts, store); });
  parts.timers.Start();
  impl_->reaper.Start();
}

void Fleet::Drain() {
  FleetParts& parts = impl_->parts;
  parts.draining = true;
  parts.dispatcher.Drain();
  for (const ConnectedWorker& worker : parts.sessions.All()) {
    HeartbeatNews news;
    news.drain = true;
    parts.polls.Tell(worker.session, news);
  }
}

void Fleet::Stop() {
  FleetParts& parts = impl_->parts;
  parts.posts.Close();
  parts.timers.Stop();
  parts.calls.Close(FleetIsStopping());
  parts.tokenizer.Close(FleetIsStopping());
}

}  // namespace headscope::server
