// The queue as the scheduler and the gauges see it.
#pragma once

#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "server/jobs/candidate.h"
#include "server/store/job_store.h"
#include "server/store/sqlite/database.h"

namespace headscope::server::sqlite {

std::vector<Candidate> Candidates(Database& db, absl::Time now);
std::optional<absl::Time> NextRunAfter(Database& db, absl::Time now);
QueueStats Stats(Database& db, absl::Time now);
// The clock was set by this much: jobs that wait are taken to have been queued by the new one.
void MoveQueueTimes(Database& db, absl::Duration by);

}  // namespace headscope::server::sqlite
