// One operation on the store's thread, waited for by another thread.
#pragma once

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/synchronization/notification.h"
#include "server/store/store_executor.h"

namespace headscope::server {

// What `operation` (a callable that takes the store, to an absl::Status or StatusOr) answers; UNAVAILABLE while the server
// ends. Blocks: never called on the store's thread, nor in a gRPC reaction.
template <typename Operation>
auto OnStore(StoreExecutor& store, Operation operation) -> decltype(operation(std::declval<JobStore&>())) {
  using Result = decltype(operation(std::declval<JobStore&>()));
  struct Answer {
    Result result = absl::UnavailableError("the server is stopping");
    absl::Notification done;
  };
  const auto answer = std::make_shared<Answer>();
  const bool posted = store.Post([answer, operation](JobStore& jobs) {
    answer->result = operation(jobs);
    answer->done.Notify();
  });
  if (posted) answer->done.WaitForNotification();
  return std::move(answer->result);
}

}  // namespace headscope::server
