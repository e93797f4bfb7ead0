#include "server/fleet/reaper.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proto/support/limits.h"
#include "proto/support/log.h"
#include "server/fleet/changed_model.h"

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
  ForgivePause(store);
  if (absl::Status kept = KeepHeard(store); !kept.ok()) {
    // Their rows may be older than what was heard: nobody is taken for dead by them.
    Log(LogLevel::kError, "cannot extend sessions", {{"status", kept}});
    return SetGauges(store);
  }
  const absl::StatusOr<Effect> effect = store.Reap();
  if (!effect.ok()) {
    Log(LogLevel::kError, "cannot reap", {{"status", effect.status()}});
    return;
  }
  parts_.news.Apply(*effect);
  ForgetDead(store);
  GiveUpStranded(parts_, store);
  WakeAfterBackOff(store);
  SetGauges(store);
}

void Reaper::ForgivePause(JobStore& store) {
  const auto steady = std::chrono::steady_clock::now();
  const absl::Time now = parts_.clock.Now();
  const absl::Duration ran = absl::FromChrono(steady - std::exchange(last_steady_, steady));
  // A suspended machine's steady clock stands still; a clock that is set moves this one only, either way.
  const absl::Duration passed = now - std::exchange(last_time_, now);
  const absl::Duration step = passed - ran;
  if (std::max(ran, absl::AbsDuration(passed)) <= kSessionTtl / 2) return;
  Log(LogLevel::kWarning, "the server was away or its clock was set; sessions and leases get their time anew",
      {{"ran", absl::FormatDuration(ran)}, {"passed", absl::FormatDuration(passed)}});
  if (absl::Status extended = store.ExtendSessions(); !extended.ok()) {
    Log(LogLevel::kError, "cannot extend sessions", {{"status", extended}});
  }
  // Time that did not pass is no time that jobs have waited.
  if (absl::AbsDuration(step) > kSessionTtl / 2) {
    if (absl::Status moved = store.MoveQueueTimes(step); !moved.ok()) {
      Log(LogLevel::kError, "cannot move the queue's deadlines", {{"status", moved}});
    }
  }
  parts_.leases.RestartPatience(now);
  parts_.stranded.RestartPatience();
}

absl::Status Reaper::KeepHeard(JobStore& store) {
  std::vector<std::string> heard;
  for (const ConnectedWorker& worker : parts_.sessions.All()) {
    if (absl::AbsDuration(parts_.clock.Now() - worker.last_heard) < kSessionTtl) heard.push_back(worker.session.session);
  }
  return store.KeepSessions(heard);
}

void Reaper::ForgetDead(JobStore& store) {
  for (const ConnectedWorker& worker : parts_.sessions.All()) {
    // Heard in the future: the clock was set back since.
    if (absl::AbsDuration(parts_.clock.Now() - worker.last_heard) < kSessionTtl) continue;
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
  parts_.metrics.SetQueueShards(stats->shards);
  parts_.metrics.SetQueueOldestAge(stats->oldest_age);
  parts_.metrics.SetLeasesActive(stats->leases_active);
}

}  // namespace headscope::server
