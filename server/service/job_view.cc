#include "server/service/job_view.h"

#include <algorithm>
#include <utility>

namespace headscope::server {
namespace {

constexpr std::uint32_t kShownAttempts = 100;

}  // namespace

std::optional<absl::Duration> EstimateRemaining(const Job& job, const LiveProgress& progress, absl::Time now) {
  if (job.state != JobState::kRunning || !job.prepared || !job.start_time) return std::nullopt;
  if (progress.tokens_done <= job.tokens_kept || job.counts.tokens_total <= job.tokens_kept) return std::nullopt;
  const std::uint64_t all_done = std::min(progress.tokens_done, job.counts.tokens_total);
  const auto done = static_cast<double>(all_done - job.tokens_kept);
  const auto remaining = static_cast<double>(job.counts.tokens_total - all_done);
  return std::max(absl::ZeroDuration(), now - *job.start_time) * (remaining / done);
}

JobView ViewOf(Job job, const Fleet& fleet, absl::Time now) {
  JobView view;
  view.progress = {job.counts.samples_done, job.counts.tokens_done};
  if (!HasEnded(job.state)) {
    const LiveProgress running = fleet.Running(job.id);
    view.progress.samples_done += running.samples_done;
    view.progress.tokens_done += running.tokens_done;
    view.blocked_reason = fleet.BlockedReason(job.spec.model, job.spec.model_digest);
  }
  view.eta = EstimateRemaining(job, view.progress, now);
  view.job = std::move(job);
  return view;
}

absl::StatusOr<JobView> ReadView(JobStore& store, const std::string& id, const Fleet& fleet, absl::Time now) {
  absl::StatusOr<Job> job = store.GetJob(id);
  if (!job.ok()) return job.status();
  absl::StatusOr<std::vector<Attempt>> attempts = store.ListAttempts(id, kShownAttempts);
  if (!attempts.ok()) return attempts.status();
  JobView view = ViewOf(*std::move(job), fleet, now);
  view.attempts = *std::move(attempts);
  return view;
}

}  // namespace headscope::server
