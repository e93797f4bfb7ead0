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
    case JobAction::kPrepare:
      return JobCondition{JobState::kPreparing, false};
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
    case JobAction::kRetry:
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<JobCondition> FromPreparing(JobAction action) {
  // Its leases may have to be stopped first; all else is as for a queued one.
  if (action == JobAction::kCancel) return JobCondition{JobState::kPreparing, true};
  return FromQueued(action);
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
    case JobAction::kPrepare:
    case JobAction::kStop:
    case JobAction::kExpire:
    case JobAction::kRetry:
      return std::nullopt;
  }
  return std::nullopt;
}

// Being cancelled, a job ends in no other way: neither results nor failures count any more.
std::optional<JobCondition> FromCancelling(JobState state, JobAction action) {
  if (action == JobAction::kCancel) return JobCondition{state, true};
  if (action == JobAction::kStop) return JobCondition{JobState::kCancelled, true};
  return std::nullopt;
}

// A pattern is for good; whatever else a job has come to, it can go on from there.
std::optional<JobCondition> FromEnded(JobState state, JobAction action) {
  if (action != JobAction::kRetry || state == JobState::kSucceeded) return std::nullopt;
  return JobCondition{JobState::kQueued, false};
}

std::optional<JobCondition> Next(JobCondition condition, JobAction action) {
  if (HasEnded(condition.state)) return FromEnded(condition.state, action);
  if (condition.cancel_requested) return FromCancelling(condition.state, action);
  switch (condition.state) {
    case JobState::kQueued:
      return FromQueued(action);
    case JobState::kPreparing:
      return FromPreparing(action);
    default:
      return FromRunning(action);
  }
}

const char* Verb(JobAction action) {
  switch (action) {
    case JobAction::kPrepare:
      return "prepare";
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
    case JobAction::kRetry:
      return "be retried";
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
    case ShardAction::kRetry:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<JobCondition> NextCondition(JobCondition condition, JobAction action) {
  if (const std::optional<JobCondition> next = Next(condition, action)) return *next;
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
  } else if (state == ShardState::kAbandoned && action == ShardAction::kRetry) {
    next = ShardState::kQueued;
  }
  if (next) return *next;
  return absl::FailedPreconditionError(
      absl::StrCat("a shard in state ", std::string(Name(state)), " cannot take this step"));
}

}  // namespace headscope::server
