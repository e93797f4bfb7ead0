#include "server/jobs/state_machine.h"

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/jobs/names.h"

namespace headscope::server {
namespace {

std::optional<JobCondition> FromQueued(JobAction action) {
  switch (action) {
    case JobAction::kStart:
      return JobCondition{JobState::kRunning, false};
    case JobAction::kCancel:
      return JobCondition{JobState::kCancelled, false};
    case JobAction::kFail:
      return JobCondition{JobState::kFailed, false};
    case JobAction::kExpire:
      return JobCondition{JobState::kExpired, false};
    case JobAction::kStop:
    case JobAction::kSucceed:
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<JobCondition> FromRunning(JobAction action) {
  switch (action) {
    case JobAction::kStart:
      return JobCondition{JobState::kRunning, false};
    case JobAction::kCancel:
      return JobCondition{JobState::kRunning, true};
    case JobAction::kSucceed:
      return JobCondition{JobState::kSucceeded, false};
    case JobAction::kFail:
      return JobCondition{JobState::kFailed, false};
    case JobAction::kStop:
    case JobAction::kExpire:
      return std::nullopt;
  }
  return std::nullopt;
}

// Being cancelled, a job ends in no other way: neither results nor failures count any more.
std::optional<JobCondition> FromCancelling(JobAction action) {
  if (action == JobAction::kCancel) return JobCondition{JobState::kRunning, true};
  if (action == JobAction::kStop) return JobCondition{JobState::kCancelled, true};
  return std::nullopt;
}

const char* Verb(JobAction action) {
  switch (action) {
    case JobAction::kStart:
      return "start";
    case JobAction::kCancel:
      return "cancel";
    case JobAction::kStop:
      return "stop";
    case JobAction::kSucceed:
      return "succeed";
    case JobAction::kFail:
      return "fail";
    case JobAction::kExpire:
      return "expire";
  }
  return "?";
}

std::optional<ShardState> FromLeased(ShardAction action) {
  switch (action) {
    case ShardAction::kComplete:
      return ShardState::kDone;
    case ShardAction::kRequeue:
      return ShardState::kQueued;
    case ShardAction::kAbandon:
      return ShardState::kAbandoned;
    case ShardAction::kClaim:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<JobCondition> NextCondition(JobCondition condition, JobAction action) {
  std::optional<JobCondition> next;
  if (condition.state == JobState::kQueued) {
    next = FromQueued(action);
  } else if (condition.state == JobState::kRunning) {
    next = condition.cancel_requested ? FromCancelling(action) : FromRunning(action);
  }
  if (next) return *next;
  return absl::FailedPreconditionError(absl::StrCat("a job in state ", std::string(Name(condition.state)),
                                                    condition.cancel_requested ? " that is being cancelled" : "",
                                                    " cannot ", Verb(action)));
}

absl::StatusOr<ShardState> NextState(ShardState state, ShardAction action) {
  std::optional<ShardState> next;
  if (state == ShardState::kQueued) {
    if (action == ShardAction::kClaim) next = ShardState::kLeased;
    if (action == ShardAction::kAbandon) next = ShardState::kAbandoned;
  } else if (state == ShardState::kLeased) {
    next = FromLeased(action);
  }
  if (next) return *next;
  return absl::FailedPreconditionError(
      absl::StrCat("a shard in state ", std::string(Name(state)), " cannot take this step"));
}

}  // namespace headscope::server
