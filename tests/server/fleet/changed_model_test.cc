// Workers whose models are not what jobs are pinned to.
#include "gmock/gmock.h"
#include "server/fleet/stranded_jobs.h"
#include "tests/server/fleet/shard_flow_fixture.h"

namespace headscope::server {
namespace {

using ::testing::HasSubstr;

class ChangedModelTest : public ShardFlowTest {
 protected:
  // A heartbeat with the worker's catalogue, its model now of this content.
  static void Tell(TestWorker& worker, const std::string& digest) {
    auto heartbeat = worker.HeartbeatRequest(true);
    *heartbeat.mutable_catalogue() = worker.OpenRequest().catalogue();
    heartbeat.mutable_catalogue()->mutable_entries(0)->set_digest(digest);
    wv1::HeartbeatResponse response;
    EXPECT_TRUE(worker.Heartbeat(heartbeat, response).ok());
  }
};

TEST_F(ChangedModelTest, TheShardGoesElsewhereAndTheJobGoesOn) {
  auto changed = Worker("w1");
  const wv1::Shard shard = LeasedScoreShard(*changed, 2);
  ASSERT_TRUE(changed->Fail(shard.lease(), "MODEL_CHANGED", false).ok());
  EXPECT_EQ(GetJob(job_).state, JobState::kRunning);
  EXPECT_FALSE(changed->Lease(absl::ZeroDuration()).has_shard()) << "it has not the content";
  EXPECT_THAT(fleet_->BlockedReason(kModel, ModelDigest()), HasSubstr("MODEL_CHANGED on 1 of 1"));
  auto other = Worker("w2");
  EXPECT_EQ(fleet_->BlockedReason(kModel, ModelDigest()), "");
  const wv1::Shard again = other->Lease(kPatience).shard();
  EXPECT_EQ(again.lease().shard(), shard.lease().shard());
  EXPECT_TRUE(other->Complete(again).ok());
  EXPECT_EQ(GetJob(job_).state, JobState::kSucceeded);
  OnStore([&](JobStore& store) {
    const auto attempts = store.ListAttempts(job_, 0);
    EXPECT_EQ(attempts->at(1).outcome, Outcome::kReleased);
    EXPECT_THAT(attempts->at(1).message, HasSubstr("MODEL_CHANGED"));
  });
}

TEST_F(ChangedModelTest, AWorkerThatHasLookedAgainIsAskedAgain) {
  auto worker = Worker("w1");
  const wv1::Shard shard = LeasedScoreShard(*worker, 2);
  ASSERT_TRUE(worker->Fail(shard.lease(), "MODEL_CHANGED", false).ok());
  Tell(*worker, ModelDigest());
  EXPECT_FALSE(worker->Lease(absl::ZeroDuration()).has_shard()) << "it has told so before";
  Tell(*worker, std::string(32, 'x'));
  EXPECT_FALSE(worker->Lease(absl::ZeroDuration()).has_shard());
  Tell(*worker, ModelDigest());
  EXPECT_TRUE(worker->Lease(kPatience).has_shard());
}

TEST_F(ChangedModelTest, AResultOfAnotherContentIsNotTaken) {
  auto worker = Worker("w1");
  const wv1::Shard shard = LeasedScoreShard(*worker, 2);
  auto messages = worker->ScoreResult(shard);
  messages[0].mutable_header()->set_model_digest(std::string(32, 'x'));
  EXPECT_EQ(ReasonIn(worker->Send(messages)), "MODEL_CHANGED");
  EXPECT_EQ(ReasonIn(worker->Complete(shard)), "STALE_LEASE") << "it was handed back";
  auto other = Worker("w2");
  EXPECT_TRUE(other->Complete(other->Lease(kPatience).shard()).ok());
  EXPECT_EQ(GetJob(job_).state, JobState::kSucceeded);
}

TEST_F(ChangedModelTest, TheFirstPinStandsWhereTwoWorkersHoldDifferentContents) {
  const std::string job = Submit(PutDataset(kPrepareShardSamples + 1));
  auto first = Worker("w1");
  TestWorker second(Connect(), "w2");
  auto request = second.OpenRequest();
  request.mutable_catalogue()->mutable_entries(0)->set_digest(std::string(32, 'x'));
  ASSERT_TRUE(second.Open(request).ok());
  const wv1::Shard pins = first->Lease(kPatience).shard();
  const wv1::Shard late = second.Lease(kPatience).shard();
  ASSERT_TRUE(first->Complete(pins).ok());
  auto messages = second.PrepareResult(late);
  messages[0].mutable_header()->set_model_digest(std::string(32, 'x'));
  EXPECT_EQ(ReasonIn(second.Send(messages)), "MODEL_CHANGED");
  EXPECT_EQ(GetJob(job).state, JobState::kPreparing);
  EXPECT_EQ(GetJob(job).spec.model_digest, ModelDigest());
  EXPECT_FALSE(second.Lease(absl::ZeroDuration()).has_shard());
  EXPECT_TRUE(first->Complete(first->Lease(kPatience).shard()).ok());
  EXPECT_TRUE(GetJob(job).prepared);
}

TEST(StrandedJobsTest, AreGivenUpOnceNoWorkerCouldServeThemForSoLong) {
  StrandedJobs jobs;
  jobs.Add("j-1", {"m", "d", "found other"});
  const absl::Duration patience = absl::Minutes(30);
  const absl::Time start = absl::FromUnixSeconds(1000);
  const auto given_up = [&](bool can_serve, absl::Duration after) {
    return jobs.GivenUp([&](const StrandedJob&) { return can_serve; }, patience, start + after).size();
  };
  EXPECT_EQ(given_up(false, absl::ZeroDuration()), 0u);
  EXPECT_EQ(given_up(false, patience - absl::Seconds(1)), 0u);
  EXPECT_EQ(given_up(true, patience - absl::Seconds(1)), 0u) << "one is back";
  EXPECT_EQ(given_up(false, patience), 0u) << "and gone again";
  EXPECT_EQ(given_up(false, 2 * patience), 1u);
  jobs.RestartPatience();
  EXPECT_EQ(given_up(false, 2 * patience), 0u);
  EXPECT_EQ(given_up(false, 3 * patience), 1u);
  jobs.Remove("j-1");
  EXPECT_EQ(given_up(false, 4 * patience), 0u);
}

}  // namespace
}  // namespace headscope::server
