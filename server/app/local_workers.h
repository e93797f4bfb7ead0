// The worker processes of this machine that the server starts itself.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "proto/support/flags.h"
#include "server/app/local_worker.h"
#include "server/app/server_options.h"

namespace headscope::server {

// What the processes are told: flags, and an environment of the few variables that a program needs, their number of
// threads, and `token`, which shows the server that they are its own.
ChildOptions LocalWorkerChild(const ServerOptions& options, const HostPort& worker_listen, const std::string& worker_id,
                              const std::string& token, const Environment& environment);

// Thread-safe.
class LocalWorkers {
 public:
  // How long a process may take at each step of stopping.
  struct Patience {
    // To end the batch at hand and hand back the shard, after SIGTERM.
    absl::Duration batch = absl::Seconds(10);
    // After a second SIGTERM.
    absl::Duration hurried = absl::Seconds(3);
    // After its life line was closed, before SIGKILL.
    absl::Duration abandoned = absl::Seconds(2);
  };

  void Add(LocalWorker::Options options, std::function<void(const std::string&)> died);
  void Start();
  // Tells every process to end; returns at once.
  void BeginStop();
  // The same again, for who will not wait: processes drop their batch.
  void Hurry();
  // After BeginStop. Returns when every process has ended.
  void FinishStop(const Patience& patience);

 private:
  bool AwaitAll(absl::Duration timeout);

  std::vector<std::unique_ptr<LocalWorker>> workers_;
};

}  // namespace headscope::server
