// A worker was found to have another content under a model's name than a job is pinned to: its fault, not the job's.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "server/fleet/fleet_parts.h"

namespace headscope::server {

// On the store's thread. From now on the worker gets nothing of that content (for a while only where the worker said
// that it may come back: `passing`), and the job waits for another worker. `found` says what there was instead.
void MarkChanged(FleetParts& parts, const SessionRef& session, const std::string& job, const JobSpec& spec,
                 const std::string& found, bool passing);
// The same, and the lease is handed back without an attempt being counted.
absl::StatusOr<Effect> HandBackChanged(FleetParts& parts, JobStore& store, const LeaseKey& key, const Lease& lease,
                                       const std::string& found, bool passing);
// Fails the jobs that have waited for longer than no_progress_timeout. Called about once a second.
void GiveUpStranded(FleetParts& parts, JobStore& store);

}  // namespace headscope::server
