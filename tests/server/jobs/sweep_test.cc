#include "server/jobs/sweep.h"

#include <gtest/gtest.h>

namespace headscope::server {
namespace {

SweepCounts Counts(std::uint32_t queued, std::uint32_t running, std::uint32_t succeeded, bool started = true) {
  SweepCounts counts;
  counts.queued = queued;
  counts.running = running;
  counts.succeeded = succeeded;
  counts.total = queued + running + succeeded;
  if (started) counts.start_time = absl::UnixEpoch();
  return counts;
}

TEST(SweepTest, IsQueuedUntilACellStarts) {
  EXPECT_EQ(StateOf(Counts(3, 0, 0, false)), JobState::kQueued);
  EXPECT_EQ(StateOf(Counts(2, 1, 0)), JobState::kRunning);
  EXPECT_EQ(StateOf(Counts(2, 0, 1)), JobState::kRunning);
  SweepCounts preparing = Counts(2, 0, 0, false);
  preparing.preparing = 1;
  EXPECT_EQ(StateOf(preparing), JobState::kPreparing);
}

TEST(SweepTest, DeletedCellsCountAsWhatTheirJobsHadComeTo) {
  SweepCounts counts = Counts(0, 0, 2);
  ++counts.total;
  counts.deleted = 1;
  EXPECT_EQ(StateOf(counts), JobState::kSucceeded);
  counts.deleted_cancelled = 1;
  EXPECT_EQ(StateOf(counts), JobState::kCancelled);
  ++counts.total;
  counts.deleted = 2;
  counts.deleted_failed = 1;
  EXPECT_EQ(StateOf(counts), JobState::kFailed);
}

TEST(SweepTest, SucceedsOnlyWithAllOfItsCells) {
  EXPECT_EQ(StateOf(Counts(0, 0, 3)), JobState::kSucceeded);
  SweepCounts counts = Counts(0, 0, 3);
  ++counts.total;
  counts.cancelled = 1;
  EXPECT_EQ(StateOf(counts), JobState::kCancelled);
  ++counts.total;
  counts.expired = 1;
  EXPECT_EQ(StateOf(counts), JobState::kFailed);
  counts.expired = 0;
  counts.failed = 1;
  EXPECT_EQ(StateOf(counts), JobState::kFailed);
}

TEST(SweepTest, RetriesWhatWillHaveNoPattern) {
  const auto needs = [](JobState state, bool cancel_requested = false) {
    Job job;
    job.state = state;
    job.cancel_requested = cancel_requested;
    return NeedsRetry(job);
  };
  EXPECT_TRUE(NeedsRetry(std::nullopt));
  EXPECT_TRUE(needs(JobState::kFailed));
  EXPECT_TRUE(needs(JobState::kCancelled));
  EXPECT_TRUE(needs(JobState::kExpired));
  EXPECT_TRUE(needs(JobState::kRunning, true));
  EXPECT_FALSE(needs(JobState::kQueued));
  EXPECT_FALSE(needs(JobState::kRunning));
  EXPECT_FALSE(needs(JobState::kSucceeded));
  EXPECT_FALSE(needs(JobState::kSucceeded, true));
  Job refused;
  refused.state = JobState::kFailed;
  refused.failure = JobFailure{kInvalidSamples, ""};
  EXPECT_FALSE(NeedsRetry(refused)) << "its samples stay invalid";
}

TEST(SweepTest, APathThatNoLabelHoldsIsLeftOut) {
  SweepSpec sweep;
  sweep.models = {std::string(256, 'a'), std::string(257, 'a')};
  sweep.datasets = {{"digest", "copy"}};
  EXPECT_EQ(CellSpec(sweep, "s-1", 0, "").labels.at("checkpoint"), sweep.models[0]);
  EXPECT_FALSE(CellSpec(sweep, "s-1", 1, "").labels.contains("checkpoint"));
  EXPECT_EQ(CellSpec(sweep, "s-1", 1, "").model, sweep.models[1]);
}

}  // namespace
}  // namespace headscope::server
