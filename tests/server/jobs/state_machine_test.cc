#include "server/jobs/state_machine.h"

#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "tests/fakes/status_matchers.h"

namespace headscope::server {
namespace {

constexpr JobCondition kQueued{JobState::kQueued, false};
constexpr JobCondition kRunning{JobState::kRunning, false};
constexpr JobCondition kCancelling{JobState::kRunning, true};
constexpr JobCondition kPreparing{JobState::kPreparing, false};
constexpr JobAction kAllActions[] = {JobAction::kPrepare, JobAction::kStart, JobAction::kCancel, JobAction::kStop,
                                     JobAction::kSucceed, JobAction::kFail,  JobAction::kExpire, JobAction::kRetry};

// Every step that there is; all others are refused.
void ExpectOnly(JobCondition from, const std::map<JobAction, JobCondition>& steps) {
  for (const JobAction action : kAllActions) {
    const auto next = NextCondition(from, action);
    const auto step = steps.find(action);
    if (step == steps.end()) {
      EXPECT_THAT(next, IsError(absl::StatusCode::kFailedPrecondition, "")) << static_cast<int>(action);
    } else {
      ASSERT_THAT(next, IsOk()) << static_cast<int>(action);
      EXPECT_EQ(*next, step->second) << static_cast<int>(action);
    }
  }
}

TEST(NextConditionTest, AQueuedJobStartsOrEnds) {
  ExpectOnly(kQueued, {{JobAction::kPrepare, kPreparing},
                       {JobAction::kStart, kRunning},
                       {JobAction::kCancel, {JobState::kCancelled, false}},
                       {JobAction::kFail, {JobState::kFailed, false}},
                       {JobAction::kExpire, {JobState::kExpired, false}}});
}

TEST(NextConditionTest, APreparingJobStillWaitsAndIsCancelledInTwoSteps) {
  const JobCondition cancelling{JobState::kPreparing, true};
  ExpectOnly(kPreparing, {{JobAction::kPrepare, kPreparing},
                          {JobAction::kStart, kRunning},
                          {JobAction::kCancel, cancelling},
                          {JobAction::kFail, {JobState::kFailed, false}},
                          {JobAction::kExpire, {JobState::kExpired, false}}});
  ExpectOnly(cancelling, {{JobAction::kCancel, cancelling}, {JobAction::kStop, {JobState::kCancelled, true}}});
}

TEST(NextConditionTest, ARunningJobGoesOnOrEndsAndIsCancelledInTwoSteps) {
  ExpectOnly(kRunning, {{JobAction::kStart, kRunning},
                        {JobAction::kCancel, kCancelling},
                        {JobAction::kSucceed, {JobState::kSucceeded, false}},
                        {JobAction::kFail, {JobState::kFailed, false}}});
}

TEST(NextConditionTest, AJobBeingCancelledOnlyStops) {
  ExpectOnly(kCancelling, {{JobAction::kCancel, kCancelling}, {JobAction::kStop, {JobState::kCancelled, true}}});
}

TEST(NextConditionTest, AJobThatHasEndedStaysSoUnlessItIsRetried) {
  EXPECT_TRUE(HasEnded(JobState::kSucceeded));
  ExpectOnly({JobState::kSucceeded, false}, {});
  for (const JobState state : {JobState::kFailed, JobState::kCancelled, JobState::kExpired}) {
    EXPECT_TRUE(HasEnded(state));
    ExpectOnly({state, false}, {{JobAction::kRetry, kQueued}});
  }
  ExpectOnly({JobState::kCancelled, true}, {{JobAction::kRetry, kQueued}});
}

TEST(NextConditionTest, ARefusalSaysWhatWasTried) {
  EXPECT_EQ(NextCondition({JobState::kFailed, false}, JobAction::kStart).status().message(),
            "a job in state FAILED cannot start");
}

TEST(NextStateTest, ShardsTakeTheseStepsOnly) {
  using Step = std::pair<ShardState, ShardAction>;
  const std::map<Step, ShardState> steps = {{{ShardState::kQueued, ShardAction::kClaim}, ShardState::kLeased},
                                            {{ShardState::kQueued, ShardAction::kAbandon}, ShardState::kAbandoned},
                                            {{ShardState::kLeased, ShardAction::kComplete}, ShardState::kDone},
                                            {{ShardState::kLeased, ShardAction::kRequeue}, ShardState::kQueued},
                                            {{ShardState::kLeased, ShardAction::kAbandon}, ShardState::kAbandoned},
                                            {{ShardState::kAbandoned, ShardAction::kRetry}, ShardState::kQueued}};
  for (const ShardState from : {ShardState::kQueued, ShardState::kLeased, ShardState::kDone, ShardState::kAbandoned}) {
    for (const ShardAction action :
         {ShardAction::kClaim, ShardAction::kComplete, ShardAction::kRequeue, ShardAction::kAbandon,
          ShardAction::kRetry}) {
      const auto next = NextState(from, action);
      const auto step = steps.find({from, action});
      EXPECT_EQ(next.ok(), step != steps.end());
      if (next.ok()) {
        EXPECT_EQ(*next, step->second);
      }
    }
  }
}

}  // namespace
}  // namespace headscope::server
