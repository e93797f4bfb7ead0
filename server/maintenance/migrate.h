// A data folder of an older version, brought to this one's schema without serving.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/support/random_source.h"

namespace headscope::server {

struct MigrationReport {
  std::int64_t former_schema = 0;
  std::int64_t schema = 0;
  std::int64_t jobs = 0;
  absl::Duration took;
  // In the data folder; empty for a dry run, and where there was nothing to do.
  std::string kept_copy;
};

// Errors: FAILED_PRECONDITION / DATA_DIRECTORY_IN_USE beside a server, NO_DATABASE; those of PrepareStart. A dry run works
// on a copy that it removes, and leaves the folder as it is.
absl::StatusOr<MigrationReport> MigrateDataFolder(const std::string& data_dir, bool dry_run, RandomSource& random);

}  // namespace headscope::server
