// A new job.
#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "server/store/job_store.h"
#include "server/store/sqlite/transaction.h"

namespace headscope::server::sqlite {

// The job that this request made before; nullopt when it is new. ALREADY_EXISTS / REQUEST_ID_REUSED.
absl::StatusOr<std::optional<Job>> FindSubmitted(Database& db, const NewJob& job);

// The effect in the outcome is left empty: the caller moves the change's there.
absl::StatusOr<SubmitOutcome> Submit(Change& change, const NewJob& job);

}  // namespace headscope::server::sqlite
