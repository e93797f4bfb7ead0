// headscope-server put together: everything it is made of, in the order in which it depends on each other.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "proto/support/clock.h"
#include "proto/support/flags.h"
#include "proto/support/random_source.h"
#include "server/app/listener.h"
#include "server/app/local_workers.h"
#include "server/app/ready_file.h"
#include "server/app/ready_gate.h"
#include "server/app/server_options.h"
#include "server/fleet/fleet.h"
#include "server/jobs/job_events.h"
#include "server/metrics/exposer.h"
#include "server/metrics/metrics.h"
#include "server/service/services.h"
#include "server/store/blob_store.h"
#include "server/store/housekeeping.h"
#include "server/store/io_pool.h"
#include "server/store/sqlite_store.h"
#include "server/store/store_executor.h"

namespace headscope::server {

// Serves between Start and Drain. Thread-safe where it says so.
class ServerApp {
 public:
  // Opens the store, listens, serves, and starts the local workers. Errors: what the flags named cannot be had
  // (FAILED_PRECONDITION / DATA_DIRECTORY_IN_USE, UNAVAILABLE / CANNOT_LISTEN, RESOURCE_EXHAUSTED / DISK_FULL), or
  // INTERNAL.
  static absl::StatusOr<std::unique_ptr<ServerApp>> Start(const ServerOptions& options, const Environment& environment);
  ~ServerApp();

  Addresses addresses() const;
  // Waits for the local workers' first sessions, at most for `timeout`, then writes the ready file if one is wanted.
  // Writes none after GiveUpWaiting.
  absl::Status BecomeReady(absl::Duration timeout);
  // Any thread.
  void GiveUpWaiting();
  // Local workers drop what they are at. Any thread, also during Drain.
  void Hurry();
  // Ends in order (drain.cc). Waiting ends early when `hurry` is notified. Blocks.
  void Drain(const absl::Notification& hurry);

 private:
  ServerApp(const ServerOptions& options, const Environment& environment);

  absl::Status OpenStore();
  absl::Status OpenBlobs();
  void StartCore();
  absl::Status Listen();
  void SetServing(bool serving);
  void AddLocalWorkers();
  // What Drain ends with, and a failed Start: calls, executors, listeners.
  void Stop(absl::Duration grace);

  const ServerOptions options_;
  const Environment environment_;
  const std::unique_ptr<RandomSource> random_;
  // Drawn at every start; what local workers show.
  const std::string local_token_;
  Metrics metrics_;

  std::unique_ptr<DataDirectory> directory_;
  std::unique_ptr<DiskSpace> disk_;
  std::unique_ptr<JobStore> sqlite_;
  std::unique_ptr<JobStore> store_;
  std::unique_ptr<BlobStore> blobs_;
  std::unique_ptr<StoreExecutor> executor_;
  std::unique_ptr<IoPool> io_;
  std::unique_ptr<IoPool> analyses_;
  std::unique_ptr<Housekeeping> housekeeping_;
  std::unique_ptr<JobEvents> events_;
  ReadyGate ready_;
  std::atomic<bool> given_up_ = false;
  std::unique_ptr<Fleet> fleet_;
  std::unique_ptr<Services> services_;
  std::unique_ptr<Listener> clients_;
  std::unique_ptr<Listener> workers_;
  std::unique_ptr<MetricsExposer> exposer_;
  LocalWorkers local_workers_;
  bool stopped_ = false;
};

}  // namespace headscope::server
