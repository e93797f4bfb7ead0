// Leases: taken, given back, failed and lost. (Completed: completion.h.)
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/jobs/shard_rules.h"
#include "server/store/job_store.h"
#include "server/store/sqlite/jobs.h"
#include "server/store/sqlite/shards.h"
#include "server/store/sqlite/transaction.h"

namespace headscope::server::sqlite {

absl::StatusOr<std::optional<Lease>> Claim(Change& change, const SessionRef& session, const std::string& shard);
absl::StatusOr<Lease> CheckLease(Database& db, const LeaseKey& lease);
absl::Status FailLease(Change& change, const LeaseKey& lease, const ShardFailure& failure);
absl::Status ReleaseLease(Change& change, const LeaseKey& lease, const std::string& why);

// The end of a lease other than by completion: of a job that goes on, the shard becomes what `verdict` says, or the job
// fails with it; of a job being cancelled, the shard is abandoned and the job stops with its last lease.
absl::Status EndLease(Change& change, const ShardRow& row, const ShardVerdict& verdict, Outcome outcome,
                      const std::string& message);

}  // namespace headscope::server::sqlite
