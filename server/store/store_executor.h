// The one thread on which the job store is used.
#pragma once

#include <functional>
#include <memory>

#include "server/store/job_store.h"

namespace headscope::server {

// Runs closures in order on its own thread. Thread-safe. A gRPC reaction posts here and finishes from the closure.
class StoreExecutor {
 public:
  // `store` outlives the executor.
  explicit StoreExecutor(JobStore& store);
  ~StoreExecutor();
  void Start();
  // Runs what is queued, then joins. Later posts are dropped and answered false.
  void Stop();
  bool Post(std::function<void(JobStore&)> work);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace headscope::server
