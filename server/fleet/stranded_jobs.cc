#include "server/fleet/stranded_jobs.h"

#include <algorithm>
#include <utility>

namespace headscope::server {

void StrandedJobs::Add(const std::string& job, StrandedJob stranded) {
  absl::MutexLock lock(&mutex_);
  jobs_[job].job = std::move(stranded);
}

void StrandedJobs::Remove(const std::string& job) {
  absl::MutexLock lock(&mutex_);
  jobs_.erase(job);
}

std::map<std::string, StrandedJob> StrandedJobs::GivenUp(const std::function<bool(const StrandedJob&)>& can_serve,
                                                         absl::Duration patience, absl::Time now) {
  std::map<std::string, StrandedJob> given_up;
  absl::MutexLock lock(&mutex_);
  for (auto& [id, waiting] : jobs_) {
    waiting.since = can_serve(waiting.job) ? absl::InfiniteFuture() : std::min(waiting.since, now);
    if (now - waiting.since >= patience) given_up.emplace(id, waiting.job);
  }
  return given_up;
}

void StrandedJobs::RestartPatience() {
  absl::MutexLock lock(&mutex_);
  for (auto& [id, waiting] : jobs_) waiting.since = absl::InfiniteFuture();
}

}  // namespace headscope::server
