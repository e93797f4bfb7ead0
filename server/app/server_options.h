// headscope-server's flags.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/support/flags.h"
#include "proto/support/log.h"
#include "server/store/disk_space.h"
#include "server/store/store_options.h"
#include "server/store/unknown_blobs.h"

namespace headscope::server {

// What the command line, the environment and the configuration file say, checked.
struct ServerOptions {
  std::string data_dir;
  bool accept_older_database = false;
  HostPort listen;
  HostPort worker_listen;
  HostPort metrics_listen;

  // Beneath which the local workers' models are.
  std::string model_root;
  int local_workers = 0;
  // Of each local worker.
  int worker_threads = 1;
  std::string worker_device = "cpu";
  // As --memory-budget of a worker takes it.
  std::string worker_memory_budget = "auto";
  std::string worker_binary;

  StoreOptions store;
  // A lease without a finished batch for this long is taken back; and how long a job waits for a worker with its model.
  absl::Duration no_progress_timeout;

  // Empty: none is written.
  std::string ready_file;
  absl::Duration drain_delay;
  // How long a ranking may wait for its client's next message.
  absl::Duration rank_idle_limit;
  // After the end or last use, when jobs, sweeps and datasets are deleted; absent: never.
  std::optional<absl::Duration> retention;
  // After a delete, when its text is gone from every file.
  absl::Duration erase_after;
  QuarantineOptions quarantine;
  DiskOptions disk;
  bool reflection = true;
  // Something listens beyond this machine.
  bool exposed = false;
  LogFormat log_format = LogFormat::kText;
};

// The table, with its environment prefix HEADSCOPE_SERVER_.
Flags MakeServerFlags();
// Text above the flags in --help.
std::string ServerHelpIntroduction();
// INVALID_ARGUMENT names the flag, what was wanted and what was found.
absl::StatusOr<ServerOptions> ReadServerOptions(const Flags& flags);

}  // namespace headscope::server
