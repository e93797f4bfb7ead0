// Who watches a job hears of it here. In memory only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "proto/support/clock.h"
#include "server/jobs/job.h"

namespace headscope::server {

// The stored job changed (state, counts, cancel): the watcher reads it again.
struct JobChanged {
  // The job has ended: the last event.
  bool ended = false;
};
// Samples and tokens of completed shards and of running leases together, as workers reported them. Never goes back
// within a state.
struct LiveProgress {
  std::uint64_t samples_done = 0;
  std::uint64_t tokens_done = 0;
};

struct JobEvent {
  // (boot number << 32) + counter: ascending within a job, over restarts too.
  std::uint64_t sequence = 0;
  absl::Time time;
  std::variant<JobChanged, LiveProgress, Attempt> event;
};

// Publish and subscribe with a short memory per job (the last 256 events). Thread-safe. Callbacks run on the publishing
// thread without locks held; they only hand over.
class JobEvents {
 public:
  using Callback = std::function<void(const JobEvent&)>;
  // `boot_number` grows with every start of the server (seconds since the epoch will do).
  JobEvents(const Clock& clock, std::uint32_t boot_number);
  ~JobEvents();

  // Ends when destroyed; no callback runs after that.
  class Subscription {
   public:
    virtual ~Subscription() = default;
    // The sequence up to which the subscriber has missed nothing: it starts with a snapshot of now.
    std::uint64_t start_sequence = 0;
    // False: `after_sequence` was absent, older than the memory, or of a former boot: send a snapshot first.
    bool resumed = false;
  };
  // With a known `after_sequence` the events since are delivered first (from inside this call). RESOURCE_EXHAUSTED is
  // the caller's business: watcher_count() tells.
  std::unique_ptr<Subscription> Subscribe(const std::string& job, std::optional<std::uint64_t> after_sequence,
                                          Callback callback);

  void Publish(const std::string& job, std::variant<JobChanged, LiveProgress, Attempt> event);
  // Drops the memory of a job that has ended (called some time after its end) or was deleted.
  void Forget(const std::string& job);
  std::size_t watcher_count() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace headscope::server
