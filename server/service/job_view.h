// A job as it is shown: what is stored, what running leases have done beyond it, and what that lets expect.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/fleet/fleet.h"
#include "server/jobs/job.h"
#include "server/jobs/job_events.h"
#include "server/store/job_store.h"

namespace headscope::server {

struct JobView {
  Job job;
  // The newest ones, oldest first; empty in lists.
  std::vector<Attempt> attempts;
  // Stored counts and running leases together.
  LiveProgress progress;
  // See Fleet::BlockedReason.
  std::string blocked_reason;
  std::optional<absl::Duration> eta;
};

// From the rate since its scoring started; nullopt while that says nothing.
std::optional<absl::Duration> EstimateRemaining(const Job& job, const LiveProgress& progress, absl::Time now);

// `job` with what the fleet knows about it, without attempts.
JobView ViewOf(Job job, const Fleet& fleet, absl::Time now);
// The job `id` with its newest attempts. On the store's thread.
absl::StatusOr<JobView> ReadView(JobStore& store, const std::string& id, const Fleet& fleet, absl::Time now);

}  // namespace headscope::server
