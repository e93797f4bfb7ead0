// Whether a data folder is whole, also beside a server that is at work on it. Changes nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace headscope::server {

struct Fault {
  // DATABASE_MISSING, DATABASE_DAMAGED, DATABASE_OLDER, DATABASE_OF_ANOTHER_STORE, STORE_FILE_DAMAGED,
  // BACKUP_UNFINISHED, BROKEN_REFERENCE, WRONG_COUNTER, BLOB_MISSING, BLOB_SIZE, BLOB_DAMAGED, BLOB_UNRECORDED,
  // UNKNOWN_FILE.
  std::string kind;
  // The job, blob, table or file.
  std::string object;
  std::string message;
};

struct CheckReport {
  std::vector<Fault> faults;
  std::string store;
  std::int64_t generation = 0;
  std::int64_t schema = 0;
  // How many of each were looked at: "jobs", "shards", "datasets", "patterns", "blobs", "bytes".
  std::map<std::string, std::int64_t> checked;
};

// Called now and then with what is being done: "blobs", 1200, 100000.
using CheckProgress = std::function<void(const std::string& what, std::uint64_t done, std::uint64_t total)>;

// FAILED_PRECONDITION: NO_DATA_DIRECTORY for a folder that is not there, SCHEMA_TOO_NEW.
absl::StatusOr<CheckReport> CheckDataFolder(const std::string& data_dir, const CheckProgress& progress);

}  // namespace headscope::server
