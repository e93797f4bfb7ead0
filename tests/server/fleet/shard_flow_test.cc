#include <future>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "proto/support/limits.h"
#include "server/jobs/scores.h"
#include "tests/server/fleet/shard_flow_fixture.h"

namespace headscope::server {
namespace {

using ::testing::ElementsAre;

TEST_F(ShardFlowTest, AWaitingLeaseIsWokenBySubmission) {
  auto worker = Worker("w1");
  auto waiting = std::async(std::launch::async, [&] { return worker->Lease(kPatience); });

  const std::string job = Submit(PutDataset(3));
  const wv1::Shard shard = waiting.get().shard();

  EXPECT_EQ(shard.phase(), wv1::PHASE_PREPARE);
  EXPECT_EQ(shard.model(), kModel);
  EXPECT_THAT(shard.samples(), ElementsAre(0, 1, 2));
  EXPECT_TRUE(shard.compute().has_gradient());
  EXPECT_EQ(shard.compute().engine(), headscope::v1::ENGINE_FAST);
  EXPECT_TRUE(shard.compute().append_eos());
  EXPECT_EQ(shard.compute().on_invalid(), headscope::v1::ON_INVALID_REFUSE);
  EXPECT_GT(shard.max_result_bytes(), 0u);
  EXPECT_EQ(shard.no_progress_timeout().seconds(), absl::ToInt64Seconds(kNoProgressTimeout));
}

TEST_F(ShardFlowTest, ALeaseWithoutWorkEndsWithNone) {
  auto worker = Worker("w1");
  EXPECT_FALSE(worker->Lease(absl::ZeroDuration()).has_shard());
}

TEST_F(ShardFlowTest, AWorkerWithoutTheModelGetsNothing) {
  TestWorker worker(Connect(), "w1");
  auto request = worker.OpenRequest();
  request.mutable_catalogue()->mutable_entries(0)->set_model("another");
  ASSERT_TRUE(worker.Open(request).ok());
  Submit(PutDataset(1));
  EXPECT_FALSE(worker.Lease(absl::ZeroDuration()).has_shard());
}

TEST_F(ShardFlowTest, AWaiterThatHungUpTakesNoShard) {
  auto gone = Worker("gone");
  grpc::ClientContext context;
  auto waiting = std::async(std::launch::async, [&] {
    wv1::LeaseShardResponse response;
    return gone->Lease(context, kPatience, {wv1::PHASE_PREPARE}, response);
  });
  context.TryCancel();
  EXPECT_EQ(waiting.get().error_code(), grpc::StatusCode::CANCELLED);

  Submit(PutDataset(1));
  auto other = Worker("other");

  EXPECT_TRUE(other->Lease(kPatience).has_shard());
}

TEST_F(ShardFlowTest, AJobRunsFromPreparationToStoredScores) {
  auto worker = Worker("w1");
  const wv1::Shard shard = LeasedScoreShard(*worker, 3);
  EXPECT_EQ(shard.phase(), wv1::PHASE_SCORE);
  EXPECT_EQ(shard.model_digest(), ModelDigest());
  EXPECT_GE(shard.batch_tokens(), 16u);
  std::vector<std::string> ids;
  ASSERT_TRUE(worker->ReadDataset(shard.lease(), ids).ok());
  EXPECT_THAT(ids, ElementsAre("s0", "s1", "s2"));

  ASSERT_TRUE(worker->Complete(shard).ok());

  EXPECT_EQ(GetJob(job_).state, JobState::kSucceeded);
  std::vector<ResultShard> results;
  OnStore([&](JobStore& store) { results = *store.ResultShards(job_); });
  ASSERT_EQ(results.size(), 1u);
  const auto scores = DecodeScores(*GetBlob(*blobs_, results[0].blob));
  ASSERT_TRUE(scores.ok());
  EXPECT_THAT(scores->samples, ElementsAre(0, 1, 2));
  EXPECT_THAT(scores->objective, ElementsAre(0.5, 1.5, 2.5));
  EXPECT_EQ(scores->planes.at("prompt_signed").back(), 2.0f);
}

TEST_F(ShardFlowTest, RepeatingAnAcceptedResultIsFine) {
  auto worker = Worker("w1");
  const wv1::Shard shard = LeasedScoreShard(*worker, 2);
  ASSERT_TRUE(worker->Complete(shard).ok());

  EXPECT_TRUE(worker->Complete(shard).ok());

  auto other = worker->ScoreResult(shard);
  other[1].mutable_scores()->set_objective(0, 7);
  other = worker->Wrap(shard, {other[1], other[2]});
  EXPECT_EQ(ReasonIn(worker->Send(other)), "STALE_LEASE");
}

TEST_F(ShardFlowTest, AStaleFenceIsRefusedEverywhere) {
  auto worker = Worker("w1");
  wv1::Shard shard = LeasedScoreShard(*worker, 2);
  shard.mutable_lease()->set_fence(shard.lease().fence() + 1);
  std::vector<std::string> ids;
  EXPECT_EQ(ReasonIn(worker->Complete(shard)), "STALE_LEASE");
  EXPECT_EQ(ReasonIn(worker->Fail(shard.lease(), "INTERNAL", true)), "STALE_LEASE");
  EXPECT_EQ(ReasonIn(worker->Release(shard.lease())), "STALE_LEASE");
  EXPECT_EQ(ReasonIn(worker->ReadDataset(shard.lease(), ids)), "STALE_LEASE");
  EXPECT_EQ(GetJob(job_).state, JobState::kRunning);
}

TEST_F(ShardFlowTest, ARetriedJobsSecondEndIsToldToo) {
  auto worker = Worker("w1");
  const wv1::Shard shard = LeasedScoreShard(*worker, 2);
  absl::Mutex mutex;
  int ends = 0;
  const auto subscription = events_->Subscribe(job_, std::nullopt, [&](const JobEvent& event) {
    const auto* changed = std::get_if<JobChanged>(&event.event);
    absl::MutexLock lock(&mutex);
    if (changed != nullptr && changed->ended) ++ends;
  });
  const auto await_ends = [&](int wanted) {
    absl::MutexLock lock(&mutex);
    const auto reached = [&] { return ends == wanted; };
    return mutex.AwaitWithTimeout(absl::Condition(&reached), kPatience);
  };
  ASSERT_TRUE(worker->Fail(shard.lease(), "INTERNAL", false).ok());
  EXPECT_TRUE(await_ends(1));
  OnStore([&](JobStore& store) {
    const auto effect = store.RetryJob(job_);
    ASSERT_TRUE(effect.ok()) << effect.status();
    fleet_->Apply(*effect);
  });
  ASSERT_TRUE(worker->Complete(worker->Lease(kPatience).shard()).ok());
  EXPECT_TRUE(await_ends(2));
  EXPECT_EQ(GetJob(job_).state, JobState::kSucceeded);
}

TEST_F(ShardFlowTest, AFaultySampleFailsTheJobInPreparation) {
  auto worker = Worker("w1");
  const std::string job = Submit(PutDataset(1));
  const wv1::Shard shard = worker->Lease(kPatience).shard();
  wv1::CompleteShardRequest block;
  auto& invalid = *block.mutable_prepared()->add_invalid();
  invalid.set_index(0);
  invalid.set_id("s0");
  invalid.set_reason("TOO_LONG");
  invalid.set_message("too long");

  ASSERT_TRUE(worker->Send(worker->Wrap(shard, {block})).ok());

  const Job failed = GetJob(job);
  EXPECT_EQ(failed.state, JobState::kFailed);
  EXPECT_EQ(failed.failure->reason, "INVALID_SAMPLES");
}

TEST_F(ShardFlowTest, AReleasedShardGoesToAnotherAtOnce) {
  auto worker = Worker("w1");
  const wv1::Shard shard = LeasedScoreShard(*worker, 2);
  auto other = Worker("other");
  auto waiting = std::async(std::launch::async, [&] { return other->Lease(kPatience); });

  ASSERT_TRUE(worker->Release(shard.lease()).ok());

  EXPECT_EQ(waiting.get().shard().lease().shard(), shard.lease().shard());
}

TEST_F(ShardFlowTest, AFailureThatCannotBeRetriedEndsTheJob) {
  auto worker = Worker("w1");
  const wv1::Shard shard = LeasedScoreShard(*worker, 2);
  ASSERT_TRUE(worker->Fail(shard.lease(), "NON_FINITE_SCORES", false).ok());
  const Job job = GetJob(job_);
  EXPECT_EQ(job.state, JobState::kFailed);
  EXPECT_EQ(job.failure->reason, "NON_FINITE_SCORES");
}

TEST_F(ShardFlowTest, ARetriedShardIsLeasedAgainAfterItsBackOff) {
  auto worker = Worker("w1");
  const wv1::Shard shard = LeasedScoreShard(*worker, 2);
  ASSERT_TRUE(worker->Fail(shard.lease(), "INTERNAL", true).ok());
  EXPECT_FALSE(worker->Lease(absl::ZeroDuration()).has_shard());
  auto waiting = std::async(std::launch::async, [&] { return worker->Lease(kPatience); });

  clock_.Advance(absl::Minutes(10));
  wv1::HeartbeatResponse response;
  const grpc::Status alive = worker->Heartbeat(worker->HeartbeatRequest(true), response);

  // Ten minutes of silence end the session too, unless the heartbeat came before the reaper: either is right.
  const wv1::LeaseShardResponse leased = alive.ok() ? waiting.get() : Worker("w2")->Lease(kPatience);
  EXPECT_EQ(leased.shard().lease().shard(), shard.lease().shard());
}

TEST_F(ShardFlowTest, CancellingTellsTheWaitingHeartbeat) {
  auto worker = Worker("w1");
  const wv1::Shard shard = LeasedScoreShard(*worker, 2);
  auto request = worker->HeartbeatRequest(false);
  *request.add_held()->mutable_lease() = shard.lease();
  wv1::HeartbeatResponse response;
  auto waiting = std::async(std::launch::async, [&] { return worker->Heartbeat(request, response); });

  Cancel(job_);

  ASSERT_TRUE(waiting.get().ok());
  ASSERT_EQ(response.abandon_size(), 1);
  EXPECT_EQ(response.abandon(0).shard(), shard.lease().shard());
  EXPECT_EQ(response.abandon(0).fence(), shard.lease().fence());
  // The worker stops it and says so by not holding it any more.
  ASSERT_TRUE(worker->Heartbeat(worker->HeartbeatRequest(true), response).ok());
  EXPECT_EQ(GetJob(job_).state, JobState::kCancelled);
  EXPECT_EQ(worker->Complete(shard).error_code(), grpc::StatusCode::ABORTED);
}

// Everything that happens to one job, in order.
struct Seen {
  absl::Mutex mutex;
  std::vector<Attempt> attempts ABSL_GUARDED_BY(mutex);
  std::vector<std::uint64_t> progress ABSL_GUARDED_BY(mutex);
  absl::Notification ended;

  void operator()(const JobEvent& event) {
    absl::MutexLock lock(&mutex);
    if (const auto* attempt = std::get_if<Attempt>(&event.event)) attempts.push_back(*attempt);
    if (const auto* live = std::get_if<LiveProgress>(&event.event)) progress.push_back(live->samples_done);
    const auto* changed = std::get_if<JobChanged>(&event.event);
    if (changed != nullptr && changed->ended && !ended.HasBeenNotified()) ended.Notify();
  }
};

TEST_F(ShardFlowTest, WatchersHearOfLeasesProgressAndTheEnd) {
  auto worker = Worker("w1");
  const wv1::Shard shard = LeasedScoreShard(*worker, 3);
  Seen seen;
  const auto subscription = events_->Subscribe(job_, std::nullopt, [&](const JobEvent& event) { seen(event); });
  wv1::HeartbeatResponse response;
  // The third report goes back, the last one claims more than there is.
  for (const std::uint64_t done : {1, 2, 1, 99}) {
    auto request = worker->HeartbeatRequest(true);
    *request.add_held()->mutable_lease() = shard.lease();
    request.mutable_held(0)->set_samples_done(done);
    ASSERT_TRUE(worker->Heartbeat(request, response).ok());
  }
  EXPECT_EQ(fleet_->Running(job_).samples_done, 3u);

  ASSERT_TRUE(worker->Complete(shard).ok());

  ASSERT_TRUE(seen.ended.WaitForNotificationWithTimeout(kPatience));
  EXPECT_EQ(fleet_->Running(job_).samples_done, 0u);
  absl::MutexLock lock(&seen.mutex);
  EXPECT_THAT(seen.progress, ElementsAre(1, 2, 3));
  ASSERT_FALSE(seen.attempts.empty());
  EXPECT_EQ(seen.attempts.back().outcome, Outcome::kCompleted);
  EXPECT_EQ(seen.attempts.back().worker, "w1");
}

}  // namespace
}  // namespace headscope::server
