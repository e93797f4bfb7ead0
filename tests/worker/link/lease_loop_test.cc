#include <gmock/gmock.h>

#include <algorithm>
#include <thread>

#include "tests/worker/link/link_fixture.h"

namespace headscope::worker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class LeaseLoopTest : public LinkTest {
 protected:
  // Queues shards of one batch each and waits until the first computes and the second is leased beside it.
  void HoldOneAndLeaseOneAhead() {
    QueueScore("s0");
    QueueScore("s1");
    StartWorker(batches_.Before());
    ASSERT_TRUE(server_.WaitFor(
        [&](const FakeState& state) { return batches_.started() == 1 && Holds(state, "s0") && Holds(state, "s1"); }));
  }

  std::vector<std::string> Completed() const {
    std::vector<std::string> shards;
    for (const FakeCompletion& completion : server_.state().completed)
      shards.push_back(completion.header.lease().shard());
    return shards;
  }
};

TEST_F(LeaseLoopTest, LeasesAheadWhileTheLastBatchRunsAndNoMore) {
  HoldOneAndLeaseOneAhead();
  QueueScore("s2");
  const std::size_t heard = server_.state().heartbeats.size();
  ASSERT_TRUE(server_.WaitFor([&](const FakeState& state) { return state.heartbeats.size() > heard + 3; }));
  EXPECT_THAT(server_.state().queue, SizeIs(1)) << "one is ahead already";
  EXPECT_EQ(batches_.started(), 1) << "the one leased ahead waits for its turn";
  batches_.Release();
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) { return state.completed.size() == 3; }));
}

TEST_F(LeaseLoopTest, LeavesShardsToOthersWhileMuchIsToBeComputed) {
  QueueScore("s0", 40);
  QueueScore("s1", 40);
  StartWorker(batches_.Before());
  // The first of three batches.
  ASSERT_TRUE(server_.WaitFor([&](const FakeState& state) { return batches_.started() == 1 && Holds(state, "s0"); }));
  const std::size_t heard = server_.state().heartbeats.size();
  ASSERT_TRUE(server_.WaitFor([&](const FakeState& state) { return state.heartbeats.size() > heard + 3; }));
  EXPECT_THAT(server_.state().queue, SizeIs(1));
  batches_.Release();
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) { return state.completed.size() == 2; }));
  EXPECT_THAT(Completed(), ElementsAre("s0", "s1"));
}

TEST_F(LeaseLoopTest, ComputesWhileTheFormerShardCannotBeHandedIn) {
  server_.Change([](FakeState& state) { state.refuse_completions = 1'000'000; });
  HoldOneAndLeaseOneAhead();
  batches_.Release();
  ASSERT_TRUE(
      server_.WaitFor([&](const FakeState& state) { return batches_.started() == 2 && state.completion_tries > 0; }));
  server_.Change([](FakeState& state) { state.refuse_completions = 0; });
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) { return state.completed.size() == 2; }));
  EXPECT_EQ(batches_.started(), 2) << "nothing was computed again";
}

TEST_F(LeaseLoopTest, AShardLeasedAheadIsHandedBackAtOnceWhenTheWorkerDrains) {
  options().drain_grace = absl::Minutes(1);
  HoldOneAndLeaseOneAhead();
  std::thread draining([&] { link_->Drain(); });
  EXPECT_TRUE(server_.WaitFor([](const FakeState& state) { return state.released.size() == 1; }));
  EXPECT_EQ(server_.state().released[0].lease().shard(), "s1");
  EXPECT_EQ(batches_.cancelled(), 0);
  batches_.Release();
  draining.join();
  EXPECT_THAT(Completed(), ElementsAre("s0")) << "the batch at hand was let end";
}

TEST_F(LeaseLoopTest, AShardLeasedAheadCanBeAbandoned) {
  HoldOneAndLeaseOneAhead();
  server_.Change([](FakeState& state) {
    v1::LeaseRef lease;
    lease.set_shard("s1");
    lease.set_fence(3);
    state.abandon.push_back(lease);
  });
  QueueScore("s2");
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) { return Holds(state, "s2"); }));
  EXPECT_EQ(batches_.started(), 1);
  batches_.Release();
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) { return state.completed.size() == 2; }));
  std::vector<std::string> completed = Completed();
  std::sort(completed.begin(), completed.end());
  EXPECT_THAT(completed, ElementsAre("s0", "s2"));
  EXPECT_THAT(server_.state().released, IsEmpty());
}

}  // namespace
}  // namespace headscope::worker
