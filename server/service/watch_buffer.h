// What a watcher has still to be told, bounded however slow it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "server/jobs/job_events.h"

namespace headscope::server {

// Of progress and of changes only the newest matter: a change makes the watcher read the whole job. Attempts are kept,
// up to a bound; then a single change stands for all that is lost. Thread-compatible.
class WatchBuffer {
 public:
  void Push(const JobEvent& event);
  // One change instead of everything that waits, not older than `sequence`.
  void StartOver(std::uint64_t sequence, absl::Time time);
  // The oldest; nullopt when nothing waits.
  std::optional<JobEvent> Pop();
  std::size_t size() const { return events_.size(); }
  // Sequence of the newest event; `fallback` when nothing waits.
  std::uint64_t newest(std::uint64_t fallback) const { return events_.empty() ? fallback : events_.back().sequence; }

 private:
  // Ascending by sequence; at most one LiveProgress and one JobChanged.
  std::deque<JobEvent> events_;
};

}  // namespace headscope::server
