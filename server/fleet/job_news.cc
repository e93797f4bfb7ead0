#include "server/fleet/job_news.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "proto/support/log.h"
#include "server/jobs/names.h"

namespace headscope::server {
namespace {

// Watchers that come this late after a job's end find it in the store.
constexpr absl::Duration kMemoryOfEnded = absl::Minutes(10);
// Attempts looked through for the one that changed; more leases of one job are not open at a time.
constexpr std::uint32_t kNewestAttempts = 100;

// A clock that was set back lets things end before they began.
absl::Duration NotNegative(absl::Duration duration) { return std::max(duration, absl::ZeroDuration()); }

}  // namespace

void JobNews::Apply(const Effect& effect) {
  if (!effect.changed_jobs.empty()) {
    parts_.posts.Store([this, jobs = effect.changed_jobs](JobStore& store) {
      for (const std::string& job : jobs) TellChanged(store, job);
    });
  }
  if (effect.work_available) parts_.wake();
}

void JobNews::TellChanged(JobStore& store, const std::string& id) {
  const absl::StatusOr<Job> job = store.GetJob(id);
  if (!job.ok()) {
    // Deleted meanwhile: for who watches it, that is its end.
    if (absl::IsNotFound(job.status())) parts_.events.Publish(id, JobChanged{true});
    return;
  }
  const bool ended = HasEnded(job->state);
  if (ended || job->cancel_requested) {
    for (const HeldLease& held : parts_.leases.OfJob(id)) {
      parts_.polls.Tell(held.key.session, {{{held.key.shard, held.key.fence}}, false});
    }
  }
  if (!ended) MarkOpen(id);
  if (ended && !MarkEnded(id, job->end_time.value_or(job->create_time))) return;
  parts_.events.Publish(id, JobChanged{ended});
  if (ended) CountEnd(*job);
}

bool JobNews::MarkEnded(const std::string& job, absl::Time end) {
  {
    absl::MutexLock lock(&mutex_);
    published_.erase(job);
    const auto known = ended_.find(job);
    if (known != ended_.end() && known->second == end) return false;
    ended_[job] = end;
  }
  parts_.timers.After(kMemoryOfEnded, [this, job, end] {
    {
      absl::MutexLock lock(&mutex_);
      const auto known = ended_.find(job);
      // It was retried meanwhile.
      if (known == ended_.end() || known->second != end) return;
      ended_.erase(known);
    }
    parts_.events.Forget(job);
  });
  return true;
}

void JobNews::MarkOpen(const std::string& job) {
  absl::MutexLock lock(&mutex_);
  ended_.erase(job);
}

void JobNews::CountEnd(const Job& job) {
  const absl::Time end = job.end_time.value_or(job.create_time);
  std::optional<absl::Duration> queued;
  std::optional<absl::Duration> run;
  if (job.start_time) {
    queued = NotNegative(*job.start_time - job.queue_time);
    run = NotNegative(end - *job.start_time);
  }
  const std::string state = absl::AsciiStrToLower(std::string(Name(job.state)));
  const std::string reason = job.failure ? job.failure->reason : "";
  parts_.metrics.JobFinished(job.spec.compute.method, job.spec.model, state, reason, job.counts.attempts,
                             NotNegative(end - job.queue_time), queued ? &*queued : nullptr, run ? &*run : nullptr);
  Log(job.failure ? LogLevel::kWarning : LogLevel::kInfo, "job ended",
      {{"job", job.id},
       {"state", state},
       {"reason", reason},
       {"model", job.spec.model},
       {"samples", job.counts.samples_done},
       {"tokens", job.counts.tokens_done},
       {"seconds", absl::ToDoubleSeconds(NotNegative(end - job.queue_time))}});
}

void JobNews::PublishAttempt(JobStore& store, const std::string& job, Phase phase, std::uint32_t ordinal) {
  const absl::StatusOr<std::vector<Attempt>> attempts = store.ListAttempts(job, kNewestAttempts);
  if (!attempts.ok()) return;
  const auto changed = std::find_if(attempts->rbegin(), attempts->rend(), [&](const Attempt& attempt) {
    return attempt.phase == phase && attempt.shard == ordinal;
  });
  if (changed != attempts->rend()) parts_.events.Publish(job, *changed);
}

void JobNews::PublishProgress(JobStore& store, const std::string& id) {
  const absl::StatusOr<Job> job = store.GetJob(id);
  if (!job.ok() || HasEnded(job->state)) return;
  const LiveProgress running = parts_.leases.Running(id);
  LiveProgress now{job->counts.samples_done + running.samples_done, job->counts.tokens_done + running.tokens_done};
  {
    absl::MutexLock lock(&mutex_);
    LiveProgress& most = published_[id];
    now.samples_done = std::max(now.samples_done, most.samples_done);
    now.tokens_done = std::max(now.tokens_done, most.tokens_done);
    if (now.samples_done == most.samples_done && now.tokens_done == most.tokens_done) return;
    most = now;
  }
  parts_.events.Publish(id, now);
}

}  // namespace headscope::server
