// Opens the session with the server, opens it again when it ends, and keeps it alive.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "worker/link/backoff.h"
#include "worker/link/link_parts.h"

namespace headscope::worker {

// Two threads: one opens the session and then always has a heartbeat in flight, which the server answers at its
// interval or when something is to be stopped; the other sends heartbeats that are answered at once when there is
// progress or a change of the catalogue to report. Thread-safe.
class SessionKeeper {
 public:
  // `on_fatal` is called once, on the keeper's thread, when the server refuses this worker for good.
  SessionKeeper(LinkParts parts, std::function<void(const absl::Status&)> on_fatal);
  // The stop flag is set by then.
  ~SessionKeeper();

  void Start();
  // There is something to report. Cheap; any thread.
  void Wake();

 private:
  void KeepAlive();
  void Report();
  // One try. False: wait and try again, or the worker was refused for good.
  bool OpenSession();
  bool Refused(const absl::Status& status);
  // The server says when to come again.
  void TakeDelay(const absl::Status& status);
  // Waits before the session that was lost is opened again: longer each time it was a short-lived one.
  void WaitAfterLoss();
  absl::Status SendHeartbeat(const SessionRef& session, bool immediate);
  headscope::worker::v1::HeartbeatRequest MakeHeartbeat(const SessionRef& session, bool immediate,
                                                        std::uint64_t catalogue_version);
  void SetConnected(bool connected, const absl::Status& status);

  LinkParts parts_;
  const std::function<void(const absl::Status&)> on_fatal_;

  // Of the thread that opens sessions.
  Backoff open_backoff_;
  Backoff loss_backoff_;
  std::uint64_t opened_generation_ = 0;
  absl::Time opened_time_ = absl::InfinitePast();
  absl::Duration last_ttl_;
  bool refused_ = false;
  // What the last refusal asked for.
  absl::Duration asked_delay_;

  absl::Mutex mutex_;
  bool wake_ ABSL_GUARDED_BY(mutex_) = false;
  bool connected_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Time next_complaint_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  // The catalogue's version that the server has seen, and in which session.
  std::uint64_t sent_version_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t sent_generation_ ABSL_GUARDED_BY(mutex_) = 0;

  std::thread keep_alive_;
  std::thread report_;
};

}  // namespace headscope::worker
