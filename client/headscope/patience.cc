#include "client/headscope/patience.h"

#include <algorithm>

#include "absl/time/clock.h"
#include "proto/support/error.h"

namespace headscope::client {
namespace {

constexpr absl::Duration kPoll = absl::Milliseconds(100);
constexpr absl::Duration kLongestAsked = absl::Seconds(30);

}  // namespace

bool IsBroken(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kAborted:
      return true;
    default:
      return false;
  }
}

bool KeepGoing(const LongCall& hooks) { return !hooks.keep_going || hooks.keep_going(); }

absl::Status Stopped() { return absl::CancelledError("stopped"); }

Patience::Patience(const ClientOptions& options, const LongCall& hooks)
    : options_(options), hooks_(hooks), delay_(options.initial_backoff), last_heard_(absl::Now()) {}

void Patience::Heard() {
  delay_ = options_.initial_backoff;
  last_heard_ = absl::Now();
}

absl::Status Patience::WaitAfter(const absl::Status& why) {
  if (absl::Now() - last_heard_ >= options_.give_up_after) return why;
  absl::Duration delay = delay_;
  // A server that has no room says when it expects some. (One that restarts cannot know.)
  if (absl::IsResourceExhausted(why)) {
    delay = std::max(delay, std::min(DetailsOf(why).retry_after.value_or(delay), kLongestAsked));
  }
  if (hooks_.on_retry) hooks_.on_retry(why, delay);
  const absl::Time next = absl::Now() + delay;
  delay_ = std::min(2 * delay_, options_.max_backoff);
  for (absl::Time now = absl::Now(); now < next; now = absl::Now()) {
    if (!KeepGoing(hooks_)) return Stopped();
    absl::SleepFor(std::min(kPoll, next - now));
  }
  return absl::OkStatus();
}

}  // namespace headscope::client
