// A consistent copy of a data folder, also beside a server that is at work on it.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace headscope::server {

struct BackupReport {
  std::int64_t jobs = 0;
  std::int64_t datasets = 0;
  std::int64_t patterns = 0;
  std::uint64_t blobs = 0;
  // Of these, copied rather than linked.
  std::uint64_t copied_blobs = 0;
  // Of blobs and database.
  std::uint64_t bytes = 0;
};

// Makes `target`, which is not there or an empty directory, a data folder that a server can start on: the database as it
// stood at one moment, and every blob that it refers to. Until the end its database has the name
// headscope.sqlite.unfinished, which every server refuses; after an error nothing is left of it.
//
// Errors: FAILED_PRECONDITION / NO_DATABASE, TARGET_NOT_EMPTY; RESOURCE_EXHAUSTED / DISK_FULL before anything large is
// written; DATA_LOSS / BLOB_MISSING for a folder that is not whole.
absl::StatusOr<BackupReport> Backup(const std::string& data_dir, const std::string& target);

}  // namespace headscope::server
