#include "server/fleet/reaper.h"

#include <optional>

#include "proto/support/limits.h"
#include "proto/support/log.h"

namespace headscope::server {

void Reaper::Start() { Tick(); }

void Reaper::Tick() {
  // A slow store is not given more to do.
  if (!round_posted_.exchange(true)) {
    const bool posted = parts_.posts.Store([this](JobStore& store) {
      Round(store);
      round_posted_ = false;
    });
    if (!posted) round_posted_ = false;
  }
  parts_.timers.After(parts_.options.tick, [this] { Tick(); });
}

void Reaper::Round(JobStore& store) {
  const absl::StatusOr<Effect> effect = store.Reap();
  if (!effect.ok()) {
    Log(LogLevel::kError, "cannot reap", {{"status", effect.status()}});
    return;
  }
  parts_.news.Apply(*effect);
  ForgetDead(store);
  WakeAfterBackOff(store);
  SetGauges(store);
}

void Reaper::ForgetDead(JobStore& store) {
  for (const ConnectedWorker& worker : parts_.sessions.All()) {
    if (parts_.clock.Now() - worker.last_heard < kSessionTtl) continue;
    if (absl::IsAborted(store.DescribeSession(worker.session).status())) {
      ForgetSession(parts_, store, worker.session, /*lost=*/true);
    }
  }
}

void Reaper::WakeAfterBackOff(JobStore& store) {
  const absl::StatusOr<std::optional<absl::Time>> next = store.NextRunAfter();
  if (!next.ok() || !*next) return;
  const absl::Duration wait = **next - parts_.clock.Now();
  if (wait <= absl::ZeroDuration()) {
    parts_.dispatcher.Wake();
  } else if (wait < parts_.options.tick) {
    parts_.timers.After(wait, [this] { parts_.dispatcher.Wake(); });
  }
}

void Reaper::SetGauges(JobStore& store) {
  parts_.metrics.SetWatchers(events_.watcher_count());
  parts_.metrics.SetArtifactBytes(parts_.blobs.stored_bytes());
  std::uint64_t busy = 0;
  std::uint64_t idle = 0;
  for (const ConnectedWorker& worker : parts_.sessions.All()) {
    ++(parts_.leases.OfSession(worker.session).empty() ? idle : busy);
  }
  parts_.metrics.SetWorkers(busy, idle);
  const absl::StatusOr<QueueStats> stats = store.Stats();
  if (!stats.ok()) return;
  parts_.metrics.SetQueueDepth(stats->depth);
  parts_.metrics.SetQueueOldestAge(stats->oldest_age);
  parts_.metrics.SetLeasesActive(stats->leases_active);
}

}  // namespace headscope::server
