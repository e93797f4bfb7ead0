// Sweeps: their rows, and what is done to all of their jobs at once.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/store/job_store.h"
#include "server/store/sqlite/transaction.h"

namespace headscope::server::sqlite {

// The sweep that this request made before; nullopt when it is new. ALREADY_EXISTS / REQUEST_ID_REUSED.
absl::StatusOr<std::optional<Sweep>> FindSubmittedSweep(Database& db, const NewSweep& sweep);
// The effect in the outcome is left empty: the caller moves the change's there.
absl::StatusOr<SweepOutcome> SubmitSweep(Change& change, const NewSweep& sweep);
// NOT_FOUND / SWEEP_NOT_FOUND.
absl::StatusOr<Sweep> FindSweep(Database& db, const std::string& id);
// Newest first.
absl::StatusOr<Page<Sweep>> ListSweeps(Database& db, const SweepFilter& filter, const PageRequest& page);
absl::Status CancelSweep(Change& change, const std::string& id);
absl::StatusOr<std::vector<std::string>> RetrySweep(Change& change, const std::string& id,
                                                    const std::vector<std::string>& model_digests);
absl::StatusOr<std::vector<std::string>> DeleteSweep(Change& change, const std::string& id, bool keep_jobs);

}  // namespace headscope::server::sqlite
