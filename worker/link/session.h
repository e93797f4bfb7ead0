// Whether the worker has a session with the server, and which.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "worker/link/held_leases.h"
#include "worker/link/server_client.h"

namespace headscope::worker {

// What every call after OpenSession names.
struct SessionRef {
  std::string session;
  std::uint64_t epoch = 0;
  // Counts the sessions of this process: tells news of a former one from news of the current one.
  std::uint64_t generation = 0;
  absl::Duration heartbeat_interval;
  absl::Duration session_ttl;
};

// Thread-safe.
class Session {
 public:
  // Both outlive the session.
  Session(ServerClient& client, HeldLeases& leases) : client_(client), leases_(leases) {}

  std::optional<SessionRef> Get() const;
  // Waits until there is a session in which work may be asked for. Nullopt once closed.
  std::optional<SessionRef> WaitForLeasing() const;

  void Opened(const headscope::worker::v1::OpenSessionResponse& response);
  // The server has ended the session of that generation: its work is stopped, its calls are ended.
  void Lost(std::uint64_t generation);
  // The worker ends the session itself.
  void Forget();
  // The server's wish that no more work is asked for, until it says otherwise.
  void SetPaused(std::uint64_t generation, bool paused);
  // No more work is asked for; ends waits.
  void CloseLeasing();

  // Whether `status` says that the session has ended; if so it is Lost.
  bool CheckStale(const absl::Status& status, std::uint64_t generation);

 private:
  ServerClient& client_;
  HeldLeases& leases_;
  mutable absl::Mutex mutex_;
  std::optional<SessionRef> current_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t generation_ ABSL_GUARDED_BY(mutex_) = 0;
  bool paused_ ABSL_GUARDED_BY(mutex_) = false;
  bool leasing_closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace headscope::worker
