// The embedded store: one SQLite file and a blob folder under one locked data directory.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "proto/support/clock.h"
#include "proto/support/random_source.h"
#include "server/store/blob_store.h"
#include "server/store/disk_space.h"
#include "server/store/job_store.h"
#include "server/store/store_options.h"

namespace headscope::server {

// Holds an exclusive lock on a data directory for the life of the process. Makes the directory when it is not there.
class DataDirectory {
 public:
  // FAILED_PRECONDITION / DATA_DIRECTORY_IN_USE names the process that holds it.
  static absl::StatusOr<std::unique_ptr<DataDirectory>> Lock(const std::string& path);
  ~DataDirectory();
  const std::string& path() const { return path_; }

 private:
  DataDirectory(std::string path, int lock_fd);
  std::string path_;
  int lock_fd_;
};

// Opens `<directory>/headscope.sqlite` (WAL, synchronous FULL, one connection), migrating it to this version;
// FAILED_PRECONDITION / SCHEMA_TOO_NEW for a file of a newer one. On opening, sessions of local workers end (their
// processes are gone); those of other workers get one more session lifetime, so that a restart costs them nothing.
// `clock` and `random` outlive the store.
struct SqliteOptions {
  // Whose reserve is given up where opening or a delete meets a full disk; null: there is none. Outlives the store.
  DiskSpace* disk = nullptr;
  // Told that the file cannot be read or written any more (damage, an error of the disk): nothing that the store answers
  // from then on is worth anything. May not return. Empty: the errors alone tell.
  std::function<void(const absl::Status&)> damaged;
  StoreOptions limits;
};
absl::StatusOr<std::unique_ptr<JobStore>> OpenSqliteStore(const std::string& directory, const Clock& clock,
                                                          RandomSource& random, const SqliteOptions& options = {});

// Blobs as files `<directory>/blobs/ab/abcdef...`, written beside and renamed; leftovers of writes cut short are
// removed. `stored_bytes`: of those that are there (ReconcileBlobs counts them).
absl::StatusOr<std::unique_ptr<BlobStore>> OpenFileBlobStore(const std::string& directory,
                                                             std::uint64_t stored_bytes = 0);

}  // namespace headscope::server
