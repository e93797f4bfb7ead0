// Workers' sessions: one per worker, carrying every lease the worker holds.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/store/job_store.h"
#include "server/store/sqlite/transaction.h"

namespace headscope::server::sqlite {

absl::StatusOr<SessionRef> OpenSession(Change& change, const WorkerDescription& worker);
absl::StatusOr<WorkerDescription> DescribeSession(Database& db, const SessionRef& session);
absl::StatusOr<std::vector<std::pair<std::string, std::uint64_t>>> Heartbeat(
    Change& change, const SessionRef& session, const std::vector<std::pair<std::string, std::uint64_t>>& held);
absl::Status CloseSession(Change& change, const SessionRef& session);
absl::Status LoseWorker(Change& change, const std::string& worker_id);
// Every open session lives for a whole TTL from now.
void KeepSessions(Change& change, const std::vector<std::string>& sessions);
void ExtendSessions(Change& change);
// Sessions past their time count as deaths.
absl::Status ReapSessions(Change& change);
// A new process on old sessions: those of local workers end (nobody's fault, no death is counted); the others live one
// more session lifetime. Workers that have been gone for long are forgotten.
absl::Status ResumeSessions(Change& change);

}  // namespace headscope::server::sqlite
