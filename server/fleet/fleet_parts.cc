#include "server/fleet/fleet_parts.h"

#include <set>
#include <utility>
#include <vector>

#include "proto/support/error.h"
#include "proto/support/log.h"

namespace headscope::server {

FleetParts::FleetParts(FleetOptions fleet_options, StoreExecutor& store, BlobStore& blob_store, IoPool& io,
                       JobEvents& job_events, Metrics& server_metrics, const Clock& wall_clock)
    : options(std::move(fleet_options)),
      blobs(blob_store),
      intake(store, blob_store),
      metrics(server_metrics),
      clock(wall_clock),
      posts(store, io),
      indexes(blob_store),
      news({posts, timers, job_events, server_metrics, leases, polls, [this] { dispatcher.Wake(); }}),
      dispatcher({posts, sessions, leases, tokenizer, news, wall_clock, options.no_progress_timeout}) {}

absl::Status FleetIsStopping() {
  return MakeError(absl::StatusCode::kUnavailable, "the server is stopping: connect again in a moment",
                   ErrorDetails{"DRAINING", {}, absl::Seconds(1)});
}

absl::StatusOr<ConnectedWorker> FindSession(FleetParts& parts, JobStore& store, const SessionRef& session) {
  if (std::optional<ConnectedWorker> known = parts.sessions.Find(session)) return *std::move(known);
  absl::StatusOr<WorkerDescription> description = store.DescribeSession(session);
  if (!description.ok()) return description.status();
  const auto catalogue = store.Catalogue();
  if (!catalogue.ok()) return catalogue.status();
  std::vector<CatalogueEntry> entries;
  for (const auto& [worker_id, entry] : *catalogue) {
    if (worker_id == description->worker_id) entries.push_back(entry);
  }
  ConnectedWorker worker;
  worker.description = *std::move(description);
  worker.session = session;
  worker.models = ModelsByName(entries);
  worker.last_heard = parts.clock.Now();
  parts.sessions.Open(worker);
  Log(LogLevel::kInfo, "worker's session goes on", {{"worker", worker.description.worker_id}});
  return worker;
}

void ForgetLease(FleetParts& parts, JobStore& store, const std::string& shard, std::uint64_t fence) {
  const std::optional<HeldLease> held = parts.leases.Remove(shard, fence);
  if (held) parts.news.PublishAttempt(store, held->job, held->phase, held->ordinal);
}

void ForgetSession(FleetParts& parts, JobStore& store, const SessionRef& session, bool lost) {
  const std::optional<ConnectedWorker> worker = parts.sessions.Find(session);
  parts.sessions.Remove(session);
  const std::vector<HeldLease> leases = parts.leases.OfSession(session);
  for (const HeldLease& held : leases) ForgetLease(parts, store, held.key.shard, held.key.fence);
  if (lost) parts.metrics.LeasesExpired(leases.size());
  const absl::Status stale =
      MakeError(absl::StatusCode::kAborted, "this session has ended: open a new one", "STALE_SESSION");
  parts.polls.End(session, stale);
  parts.dispatcher.EndSession(session, stale);
  parts.tokenizer.LoseSession(session);
  if (!worker) return;
  Log(lost ? LogLevel::kWarning : LogLevel::kInfo, lost ? "worker lost" : "worker's session ended",
      {{"worker", worker->description.worker_id}, {"leases", leases.size()}});
}

void RefreshKnownModels(FleetParts& parts, JobStore& store) {
  const auto catalogue = store.Catalogue();
  if (!catalogue.ok()) return;
  std::set<std::string> models;
  for (const auto& [worker_id, entry] : *catalogue) models.insert(entry.model);
  parts.metrics.SetKnownModels(std::move(models));
}

}  // namespace headscope::server
