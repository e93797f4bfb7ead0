// A new job.
#pragma once

#include "absl/status/statusor.h"
#include "server/store/job_store.h"
#include "server/store/sqlite/transaction.h"

namespace headscope::server::sqlite {

// The effect in the outcome is left empty: the caller moves the change's there.
absl::StatusOr<SubmitOutcome> Submit(Change& change, const NewJob& job);

}  // namespace headscope::server::sqlite
