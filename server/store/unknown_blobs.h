// What a start makes of blobs that the job store does not know: nothing that could be a result is removed.
//
// A database that is older than its folder (put back from a backup, or not there at all) knows nothing of the results that
// came after it. So files it does not know are put aside, in blobs/quarantine/DATE, and taken back when a database comes
// that knows them.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/store/job_store.h"

namespace headscope::server {

struct QuarantineOptions {
  // How long files stay in quarantine.
  absl::Duration keep = absl::Hours(24 * 7);
  // Put aside however many there are. Otherwise more than 1 % and more than 10 unknown ones are refused.
  bool any_number = false;
};

struct ReconciledBlobs {
  std::uint64_t stored_bytes = 0;
  // Put into quarantine now, taken back from it, and gone for good since their time there is over.
  std::uint64_t quarantined = 0;
  std::uint64_t taken_back = 0;
  std::uint64_t expired = 0;
  // That the store refers to and that have no file: reading them answers DATA_LOSS.
  std::uint64_t missing = 0;
};

// Compares the files beneath `directory` with what `store` knows, by names alone: no file is opened, and only those whose
// size the store does not know yet are looked at. Before anything is served or written. FAILED_PRECONDITION /
// UNKNOWN_BLOBS: too many unknown ones, nothing was moved.
absl::StatusOr<ReconciledBlobs> ReconcileBlobs(const std::string& directory, JobStore& store,
                                               const QuarantineOptions& options, absl::Time now);

}  // namespace headscope::server
