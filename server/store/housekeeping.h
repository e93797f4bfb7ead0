// What a server does beside its work, so that it can run for years: removes files that nothing refers to, deletes what is
// over, and gives room back.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/store/blob_store.h"
#include "server/store/store_executor.h"

namespace headscope::server {

struct HousekeepingOptions {
  RetentionPolicy retention;
  // After a delete, its text is gone from every file within this time.
  absl::Duration erase_after = absl::Hours(1);
  // How often it is looked for unused blobs; for what is over, every `retire_interval`.
  absl::Duration interval = absl::Seconds(1);
  absl::Duration retire_interval = absl::Minutes(1);
  // Called with the ids of jobs that retention has deleted; on the housekeeping thread. May be empty.
  std::function<void(const std::vector<std::string>&)> jobs_retired;
  // Called once an interval, on the housekeeping thread. May be empty.
  std::function<void()> look_around;
};

// One thread. Takes the store's thread for a few milliseconds at a time, and unlinks files on its own. Thread-safe.
class Housekeeping {
 public:
  // Both outlive this.
  Housekeeping(HousekeepingOptions options, StoreExecutor& store, BlobStore& blobs);
  ~Housekeeping() { Stop(); }

  void Start();
  // Ends between two steps, and joins. Idempotent. Before the store's thread is stopped.
  void Stop();

  // The steps, for who has no thread to wait for (tests). What each has left to do: true.
  absl::StatusOr<bool> RemoveUnusedBlobs();
  absl::StatusOr<bool> Retire();
  // Where something was deleted since it was done last.
  absl::Status Tidy();

 private:
  void Run();
  // False once stopped.
  bool WaitFor(absl::Duration time);
  void Do(const char* what, const absl::Status& status);
  bool stopping() const;

  const HousekeepingOptions options_;
  StoreExecutor& store_;
  BlobStore& blobs_;
  // Of the thread.
  bool untidy_ = true;
  std::thread thread_;
  mutable absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace headscope::server
