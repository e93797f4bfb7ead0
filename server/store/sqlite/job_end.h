// How jobs end. (How they start: leases.cc; how they go on: retry.cc.)
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/jobs/state_machine.h"
#include "server/store/sqlite/jobs.h"
#include "server/store/sqlite/transaction.h"

namespace headscope::server::sqlite {

// Ends the job by `action` (not kStart): shards that wait or are leased are abandoned, their fences rise. `failure`
// goes with kFail. FAILED_PRECONDITION where the state machine refuses the step.
absl::Status EndJob(Change& change, const JobRow& row, JobAction action,
                    const std::optional<JobFailure>& failure = std::nullopt);

// After a lease of a job has ended: the job stops when it is being cancelled and that was the last one.
absl::Status StopIfIdle(Change& change, std::int64_t job_number);

absl::Status CancelJob(Change& change, const std::string& id);
absl::Status FailJob(Change& change, const std::string& id, const JobFailure& failure);
// Jobs past their queue_ttl.
absl::Status ExpireJobs(Change& change);
absl::Status DeleteJob(Change& change, const std::string& id);

}  // namespace headscope::server::sqlite
