#include <gmock/gmock.h>

#include <thread>

#include "tests/worker/link/link_fixture.h"

namespace headscope::worker {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

using WorkerDrainTest = LinkTest;

TEST_F(WorkerDrainTest, ClosesTheSessionWhenItHasNothingToDo) {
  StartWorker();
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) { return state.lease_questions >= 2; }));
  link_->Drain();
  EXPECT_EQ(server_.state().closed_sessions, 1);
  EXPECT_THAT(server_.state().opened, SizeIs(1));
}

TEST_F(WorkerDrainTest, HandsInAShardWhoseLastBatchEnds) {
  QueueScore("s0");
  options().drain_grace = absl::Minutes(1);
  StartWorker(batches_.Before());
  ASSERT_TRUE(server_.WaitFor([&](const FakeState& state) { return batches_.started() == 1 && Holds(state, "s0"); }));
  std::thread draining([&] { link_->Drain(); });
  batches_.Release();
  draining.join();
  EXPECT_THAT(server_.state().completed, SizeIs(1));
  EXPECT_THAT(server_.state().released, IsEmpty());
  EXPECT_EQ(server_.state().closed_sessions, 1);
}

TEST_F(WorkerDrainTest, HandsBackWhatDoesNotEndInTime) {
  QueueScore("s0");
  options().drain_grace = absl::Milliseconds(20);
  StartWorker(batches_.Before());
  ASSERT_TRUE(server_.WaitFor([&](const FakeState& state) { return batches_.started() == 1 && Holds(state, "s0"); }));
  link_->Drain();
  EXPECT_EQ(batches_.cancelled(), 1);
  ASSERT_THAT(server_.state().released, SizeIs(1));
  EXPECT_EQ(server_.state().released[0].lease().shard(), "s0");
  EXPECT_EQ(server_.state().released[0].lease().fence(), 3u);
  EXPECT_EQ(server_.state().closed_sessions, 1);
}

TEST_F(WorkerDrainTest, StopsAtOnceWhenHurried) {
  QueueScore("s0");
  options().drain_grace = absl::Minutes(10);
  StartWorker(batches_.Before());
  ASSERT_TRUE(server_.WaitFor([&](const FakeState& state) { return batches_.started() == 1 && Holds(state, "s0"); }));
  std::thread draining([&] { link_->Drain(); });
  link_->Hurry();
  draining.join();
  EXPECT_THAT(server_.state().released, SizeIs(1));
}

TEST_F(WorkerDrainTest, EndsWithoutItsServer) {
  options().farewell_deadline = absl::Milliseconds(50);
  StartWorker();
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) { return !state.heartbeats.empty(); }));
  server_.Stop();
  link_->Drain();
  EXPECT_EQ(server_.state().closed_sessions, 0);
}

}  // namespace
}  // namespace headscope::worker
