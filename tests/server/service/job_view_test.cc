#include "server/service/job_view.h"

#include <gtest/gtest.h>

namespace headscope::server {
namespace {

Job RunningJob() {
  Job job;
  job.state = JobState::kRunning;
  job.prepared = true;
  job.start_time = absl::FromUnixSeconds(100);
  job.counts.tokens_total = 1000;
  return job;
}

TEST(EstimateRemainingTest, FollowsTheRateSinceTheStart) {
  EXPECT_EQ(EstimateRemaining(RunningJob(), {5, 250}, absl::FromUnixSeconds(110)), absl::Seconds(30));
  EXPECT_EQ(EstimateRemaining(RunningJob(), {5, 2000}, absl::FromUnixSeconds(110)), absl::ZeroDuration());
}

TEST(EstimateRemainingTest, WhatWasDoneBeforeARetryIsNoRate) {
  Job retried = RunningJob();
  retried.tokens_kept = 500;
  EXPECT_FALSE(EstimateRemaining(retried, {5, 500}, absl::FromUnixSeconds(110)).has_value());
  EXPECT_EQ(EstimateRemaining(retried, {5, 600}, absl::FromUnixSeconds(110)), absl::Seconds(40));
}

TEST(EstimateRemainingTest, SaysNothingWithoutARate) {
  EXPECT_FALSE(EstimateRemaining(RunningJob(), {0, 0}, absl::FromUnixSeconds(110)).has_value());
  Job queued = RunningJob();
  queued.state = JobState::kQueued;
  EXPECT_FALSE(EstimateRemaining(queued, {5, 250}, absl::FromUnixSeconds(110)).has_value());
  Job preparing = RunningJob();
  preparing.prepared = false;
  EXPECT_FALSE(EstimateRemaining(preparing, {5, 250}, absl::FromUnixSeconds(110)).has_value());
}

}  // namespace
}  // namespace headscope::server
