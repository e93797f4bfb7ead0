#include "server/service/watch_buffer.h"

#include <algorithm>
#include <utility>

namespace headscope::server {
namespace {

constexpr std::size_t kMaxWaiting = 64;

}  // namespace

void WatchBuffer::Push(const JobEvent& event) {
  if (!std::holds_alternative<Attempt>(event.event)) {
    const auto stale = [&](const JobEvent& older) { return older.event.index() == event.event.index(); };
    events_.erase(std::remove_if(events_.begin(), events_.end(), stale), events_.end());
  }
  if (events_.size() < kMaxWaiting) {
    events_.push_back(event);
    return;
  }
  events_.clear();
  const auto* changed = std::get_if<JobChanged>(&event.event);
  events_.push_back({event.sequence, event.time, changed ? *changed : JobChanged{}});
}

void WatchBuffer::StartOver(std::uint64_t sequence, absl::Time time) {
  const JobEvent change{newest(sequence), time, JobChanged{}};
  events_.clear();
  events_.push_back(change);
}

std::optional<JobEvent> WatchBuffer::Pop() {
  if (events_.empty()) return std::nullopt;
  JobEvent event = std::move(events_.front());
  events_.pop_front();
  return event;
}

}  // namespace headscope::server
