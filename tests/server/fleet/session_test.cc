#include <future>

#include "gmock/gmock.h"
#include "proto/support/worker_protocol.h"
#include "tests/server/fleet/fleet_fixture.h"

namespace headscope::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SessionTest : public FleetFixture {};

TEST_F(SessionTest, AnOpenedWorkerIsShownWithItsModels) {
  TestWorker worker(Connect(), "w1");
  ASSERT_TRUE(worker.Open().ok());

  const std::vector<WorkerView> workers = fleet_->Workers();

  ASSERT_EQ(workers.size(), 1u);
  EXPECT_EQ(workers[0].worker_id, "w1");
  EXPECT_EQ(workers[0].device, "cpu");
  EXPECT_FALSE(workers[0].local);
  EXPECT_THAT(workers[0].models, ElementsAre(kModel));
  EXPECT_EQ(fleet_->BlockedReason(kModel, ModelDigest()), "");
}

TEST_F(SessionTest, BlockedReasonNamesWhatIsMissing) {
  EXPECT_EQ(fleet_->BlockedReason(kModel, ""), "no worker is connected");
  TestWorker worker(Connect(), "w1");
  ASSERT_TRUE(worker.Open().ok());
  EXPECT_EQ(fleet_->BlockedReason("other", ""), "no connected worker has model other");
  EXPECT_THAT(fleet_->BlockedReason(kModel, std::string(32, 'x')), HasSubstr("with the content the job is pinned to"));
}

TEST_F(SessionTest, AWorkerOfAnotherProtocolIsRefusedAndToldBothRanges) {
  TestWorker worker(Connect(), "w1");
  // As 0.1.0 opens a session.
  auto old = worker.OpenRequest();
  old.clear_min_protocol();
  old.clear_max_protocol();
  old.set_protocol_version(1);

  const grpc::Status status = worker.Open(old);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonIn(status), "PROTOCOL_UNSUPPORTED");
  EXPECT_THAT(status.error_message(), HasSubstr("versions 2 to 2 of the worker protocol, the worker versions 1 to 1"));
  auto newer = worker.OpenRequest();
  newer.set_min_protocol(3);
  newer.set_max_protocol(4);
  EXPECT_EQ(ReasonIn(worker.Open(newer)), "PROTOCOL_UNSUPPORTED");
  newer.set_min_protocol(2);
  EXPECT_TRUE(worker.Open(newer).ok()) << "the next release";
  newer.set_min_protocol(9);
  EXPECT_EQ(ReasonIn(worker.Open(newer)), "INVALID_WORKER");
}

TEST(WorkerProtocolTest, TheNewestVersionThatBothSpeakIsTaken) {
  const auto agreed = [](ProtocolRange server, ProtocolRange worker) { return AgreeOnProtocol(server, worker); };
  EXPECT_EQ(agreed({2, 2}, {2, 2}), 2u);
  EXPECT_EQ(agreed({2, 3}, {2, 2}), 2u);
  EXPECT_EQ(agreed({2, 2}, {2, 3}), 2u);
  EXPECT_EQ(agreed({2, 3}, {3, 4}), 3u);
  EXPECT_EQ(agreed({3, 4}, {2, 3}), 3u);
  EXPECT_EQ(agreed({2, 4}, {1, 9}), 4u);
  EXPECT_EQ(agreed({2, 2}, {1, 1}), std::nullopt);
  EXPECT_EQ(agreed({2, 3}, {4, 5}), std::nullopt);
  EXPECT_EQ(agreed({4, 5}, {2, 3}), std::nullopt);
}

TEST_F(SessionTest, OnlyAWorkerWithTheBootSecretIsLocal) {
  TestWorker stranger(Connect(), "local-0");
  EXPECT_EQ(ReasonIn(stranger.Open()), "NOT_A_LOCAL_WORKER");
  EXPECT_EQ(stranger.Open(stranger.OpenRequest(), "a guess at secret").error_code(),
            grpc::StatusCode::PERMISSION_DENIED);

  TestWorker own(Connect(), "local-0");
  ASSERT_TRUE(own.Open(own.OpenRequest(), kToken).ok());
  EXPECT_TRUE(fleet_->Workers().at(0).local);
}

TEST_F(SessionTest, AWorkerCannotClaimModelsOutsideItsRoot) {
  TestWorker worker(Connect(), "w1");
  for (const char* name : {"/etc", "../up", "a//b", "a/./b", ""}) {
    auto request = worker.OpenRequest();
    request.mutable_catalogue()->mutable_entries(0)->set_model(name);
    EXPECT_EQ(worker.Open(request).error_code(), grpc::StatusCode::INVALID_ARGUMENT) << name;
  }
  EXPECT_TRUE(fleet_->Workers().empty());
}

TEST_F(SessionTest, OpeningAgainEndsTheFormerSession) {
  TestWorker former(Connect(), "w1");
  ASSERT_TRUE(former.Open().ok());
  auto waiting = std::async(std::launch::async, [&] {
    grpc::ClientContext context;
    wv1::LeaseShardResponse response;
    return former.Lease(context, kPatience, {wv1::PHASE_SCORE}, response);
  });
  TestWorker restarted(Connect(), "w1");
  ASSERT_TRUE(restarted.Open().ok());

  EXPECT_EQ(ReasonIn(waiting.get()), "STALE_SESSION");
  wv1::HeartbeatResponse response;
  EXPECT_EQ(ReasonIn(former.Heartbeat(former.HeartbeatRequest(true), response)), "STALE_SESSION");
  EXPECT_TRUE(restarted.Heartbeat(restarted.HeartbeatRequest(true), response).ok());
  EXPECT_EQ(fleet_->Workers().size(), 1u);
}

TEST_F(SessionTest, AnotherProcessUnderTheSameIdWaitsAndHarmsNobody) {
  const std::string job = Submit(PutDataset(2));
  TestWorker first(Connect(), "w1");
  ASSERT_TRUE(first.Open().ok());
  const wv1::Shard shard = first.Lease(kPatience).shard();
  TestWorker second(Connect(), "w1");
  auto request = second.OpenRequest();
  request.set_boot_id("another boot");
  for (int i = 0; i < 5; ++i) {
    const grpc::Status refused = second.Open(request);
    EXPECT_EQ(refused.error_code(), grpc::StatusCode::ALREADY_EXISTS);
    EXPECT_EQ(ReasonIn(refused), "WORKER_ID_IN_USE");
  }
  EXPECT_TRUE(first.Complete(shard).ok());
  ASSERT_TRUE(first.Close().ok());
  EXPECT_TRUE(second.Open(request).ok());
}

TEST_F(SessionTest, ASilentWorkersSessionEndsAndItsShardGoesToAnother) {
  const std::string job = Submit(PutDataset(2));
  TestWorker silent(Connect(), "silent");
  ASSERT_TRUE(silent.Open().ok());
  const wv1::Shard shard = silent.Lease(kPatience).shard();
  ASSERT_FALSE(shard.lease().shard().empty());

  Pass(kSessionTtl + absl::Seconds(1));
  TestWorker other(Connect(), "other");
  ASSERT_TRUE(other.Open().ok());
  const wv1::Shard again = other.Lease(kPatience).shard();

  EXPECT_EQ(again.lease().shard(), shard.lease().shard());
  EXPECT_GT(again.lease().fence(), shard.lease().fence());
  EXPECT_EQ(silent.Complete(shard).error_code(), grpc::StatusCode::ABORTED);
  EXPECT_TRUE(other.Complete(again).ok());
}

TEST_F(SessionTest, APauseOfTheServerIsNoDeathOfItsWorkers) {
  const std::string job = Submit(PutDataset(2));
  TestWorker worker(Connect(), "w1");
  ASSERT_TRUE(worker.Open().ok());
  const wv1::Shard shard = worker.Lease(kPatience).shard();

  clock_.Advance(absl::Hours(1));
  // The first round may have begun before the clock moved.
  AwaitRound();
  AwaitRound();

  auto heartbeat = worker.HeartbeatRequest(true);
  *heartbeat.add_held()->mutable_lease() = shard.lease();
  wv1::HeartbeatResponse response;
  ASSERT_TRUE(worker.Heartbeat(heartbeat, response).ok());
  EXPECT_EQ(response.abandon_size(), 0) << "an hour is longer than a shard may take without progress, too";
  EXPECT_TRUE(worker.Complete(shard).ok());
}

TEST_F(SessionTest, AClockThatIsSetBackDoesNotKeepTheDeadAlive) {
  Submit(PutDataset(2));
  TestWorker silent(Connect(), "silent");
  ASSERT_TRUE(silent.Open().ok());
  ASSERT_TRUE(silent.Lease(kPatience).has_shard());
  clock_.Advance(-absl::Hours(24));
  AwaitRound();

  Pass(2 * kSessionTtl);

  EXPECT_TRUE(fleet_->Workers().empty());
}

TEST_F(SessionTest, AClockThatIsSetExpiresNoJobThatHasNotWaited) {
  std::string job;
  const std::string dataset = PutDataset(2);
  OnStore([&](JobStore& store) {
    NewJob patient;
    patient.spec.model = kModel;
    patient.spec.dataset = dataset;
    patient.spec.queue_ttl = absl::Minutes(1);
    job = store.Submit(patient)->job.id;
  });
  clock_.Advance(absl::Hours(24));
  AwaitRound();
  AwaitRound();
  EXPECT_EQ(GetJob(job).state, JobState::kQueued);
  Pass(absl::Seconds(62));
  EXPECT_EQ(GetJob(job).state, JobState::kExpired);
}

TEST_F(SessionTest, LongReasonsAreCutAndKeepNobodyOut) {
  TestWorker worker(Connect(), "w1");
  auto request = worker.OpenRequest();
  wv1::CatalogueEntry& entry = *request.mutable_catalogue()->mutable_entries(0);
  std::string story;
  while (story.size() < 5000) story += "\u00e9";
  entry.set_unsupported(story);
  entry.set_tokenizer_unsupported("short");
  ASSERT_TRUE(worker.Open(request).ok());
  OnStore([](JobStore& store) {
    const CatalogueEntry kept = store.Catalogue()->at(0).second;
    EXPECT_LE(kept.unsupported.size(), 1024u);
    EXPECT_GE(kept.unsupported.size(), 1020u);
    EXPECT_EQ(kept.unsupported.substr(kept.unsupported.size() - 5), "\u00e9...");
    EXPECT_EQ(kept.tokenizer_unsupported, "short");
  });
  entry.set_stored_dtype(story);
  EXPECT_EQ(ReasonIn(worker.Open(request)), "INVALID_WORKER");
}

TEST_F(SessionTest, TheDeathOfALocalWorkerEndsItsSessionAtOnce) {
  const std::string job = Submit(PutDataset(2));
  TestWorker dead(Connect(), "local-0");
  ASSERT_TRUE(dead.Open(dead.OpenRequest(), kToken).ok());
  ASSERT_TRUE(dead.Lease(kPatience).has_shard());
  auto waiting = std::async(std::launch::async, [&] {
    wv1::HeartbeatResponse response;
    return dead.Heartbeat(dead.HeartbeatRequest(false), response);
  });

  fleet_->LoseLocalWorker("local-0");

  EXPECT_EQ(ReasonIn(waiting.get()), "STALE_SESSION");
  TestWorker other(Connect(), "other");
  ASSERT_TRUE(other.Open().ok());
  EXPECT_TRUE(other.Lease(kPatience).has_shard());
}

TEST_F(SessionTest, ClosingHandsBackWhatIsHeldWithoutCountingIt) {
  const std::string job = Submit(PutDataset(2));
  TestWorker leaving(Connect(), "leaving");
  ASSERT_TRUE(leaving.Open().ok());
  ASSERT_TRUE(leaving.Lease(kPatience).has_shard());
  ASSERT_TRUE(leaving.Close().ok());

  EXPECT_TRUE(fleet_->Workers().empty());
  TestWorker other(Connect(), "other");
  ASSERT_TRUE(other.Open().ok());
  EXPECT_TRUE(other.Lease(kPatience).has_shard());
}

TEST_F(SessionTest, ASessionSurvivesARestartOfTheServer) {
  const std::string job = Submit(PutDataset(2));
  TestWorker before(Connect(), "w1");
  ASSERT_TRUE(before.Open().ok());
  const wv1::Shard shard = before.Lease(kPatience).shard();
  Restart();

  TestWorker after(before, Connect());
  auto heartbeat = after.HeartbeatRequest(true);
  *heartbeat.add_held()->mutable_lease() = shard.lease();
  wv1::HeartbeatResponse response;
  ASSERT_TRUE(after.Heartbeat(heartbeat, response).ok());
  EXPECT_EQ(response.abandon_size(), 0);
  EXPECT_EQ(fleet_->Workers().at(0).leases, 1u);
  EXPECT_TRUE(after.Complete(shard).ok());
  EXPECT_EQ(after.Lease(kPatience).shard().phase(), wv1::PHASE_SCORE);
}

}  // namespace
}  // namespace headscope::server
