// Texts to tokenise, waiting for a worker or being worked on. In memory only: who asked is waiting on the line.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "server/fleet/fleet.h"
#include "server/fleet/sessions.h"

namespace headscope::server {

// Thread-safe. Callbacks run without locks held, on the thread that calls.
class TokenizeBroker {
 public:
  using Done = std::function<void(absl::StatusOr<TokenizeAnswer>)>;
  struct Task {
    // "tokenize.7": never the id of a stored shard.
    std::string id;
    std::uint64_t fence = 0;
    TokenizeQuery query;
  };

  static bool IsTask(const std::string& shard);

  // RESOURCE_EXHAUSTED / QUEUE_FULL when too many wait, or too many bytes; `done` is not called then.
  absl::StatusOr<std::string> Submit(TokenizeQuery query, Done done);
  // The oldest waiting task that the worker can do.
  std::optional<Task> Take(const ConnectedWorker& worker);
  bool IsHeld(const LeaseKey& lease) const;
  // Ends a task. ABORTED / STALE_LEASE when the lease is not current.
  absl::Status Complete(const LeaseKey& lease, absl::StatusOr<TokenizeAnswer> answer);
  // Lets another worker take it.
  absl::Status Release(const LeaseKey& lease);
  void LoseSession(const SessionRef& session);
  // Nobody waits for the answer any more: the task is dropped, `done` is not called. A worker that holds it is told by
  // its next heartbeat.
  void Drop(const std::string& id);
  // DEADLINE_EXCEEDED / TOKENIZE_TIMEOUT for a task that is not done.
  void Expire(const std::string& id);
  void Close(const absl::Status& status);

 private:
  struct Entry {
    Task task;
    Done done;
    std::optional<SessionRef> holder;
  };
  static std::size_t BytesOf(const Entry& entry);
  // Takes a task out; nullopt when it is gone already.
  std::optional<Entry> TakeOut(std::map<std::uint64_t, Entry>::iterator found) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::map<std::uint64_t, Entry>::iterator Find(const LeaseKey& lease) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  std::uint64_t last_number_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::uint64_t, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  // Of all texts in entries_.
  std::size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace headscope::server
