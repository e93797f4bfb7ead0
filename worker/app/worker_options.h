// headscope-worker's flags.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "proto/support/flags.h"
#include "proto/support/log.h"

namespace headscope::worker {

// What the command line, the environment and the configuration file say, checked.
struct WorkerOptions {
  // Of the server's worker listener.
  HostPort server;
  std::string model_root;
  // "cpu" or "cuda:N".
  std::string device = "cpu";
  // Compute threads; at least 1.
  int threads = 1;
  // Bytes that models may take.
  std::int64_t memory_budget = 0;
  // Absent: no listener.
  std::optional<HostPort> metrics_listen;
  // Empty: made from the host's name and the model root.
  std::string worker_id;
  // Read end of a pipe whose closing ends the worker; -1: none.
  int parent_fd = -1;
  // Sent with every call; shows a server that this is its child. Never a flag: command lines can be read by others.
  std::string token;
  LogFormat log_format = LogFormat::kText;
};

// The table, with its environment prefix HEADSCOPE_WORKER_.
Flags MakeWorkerFlags();
// Text above the flags in --help.
std::string HelpIntroduction();
// INVALID_ARGUMENT names the flag, what was wanted and what was found.
absl::StatusOr<WorkerOptions> ReadWorkerOptions(const Flags& flags, const Environment& environment);

}  // namespace headscope::worker
