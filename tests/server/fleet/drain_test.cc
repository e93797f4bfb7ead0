#include <future>
#include <thread>

#include "absl/strings/str_cat.h"
#include "prometheus/registry.h"
#include "prometheus/text_serializer.h"
#include "server/fleet/fleet_parts.h"
#include "tests/server/fleet/fleet_fixture.h"

namespace headscope::server {
namespace {

class FleetDrainTest : public FleetFixture {
 protected:
  void SetUp() override {
    FleetFixture::SetUp();
    worker_ = std::make_unique<TestWorker>(Connect(), "w1");
    ASSERT_TRUE(worker_->Open().ok());
  }
  void TearDown() override {
    worker_.reset();
    FleetFixture::TearDown();
  }
  // Returns when the server has taken up a call of this method.
  void AwaitStarted(const std::string& method) {
    const std::string series = absl::StrCat("grpc_server_started_total{grpc_method=\"", method, "\"");
    while (prometheus::TextSerializer().Serialize(metrics_.registry()->Collect()).find(series) == std::string::npos) {
      std::this_thread::yield();
    }
  }

  std::unique_ptr<TestWorker> worker_;
};

TEST_F(FleetDrainTest, AWaitingHeartbeatIsTold) {
  wv1::HeartbeatResponse told;
  auto heartbeat =
      std::async(std::launch::async, [&] { return worker_->Heartbeat(worker_->HeartbeatRequest(false), told); });

  fleet_->Drain();

  ASSERT_TRUE(heartbeat.get().ok());
  EXPECT_TRUE(told.drain());
}

TEST_F(FleetDrainTest, AWaitingLeaseIsAnsweredWithNone) {
  FleetParts parts(Options(), *executor_, *blobs_, *io_, *events_, metrics_, clock_);
  bool answered_with_none = false;
  LeaseWaiter waiter;
  waiter.alive = [] { return true; };
  waiter.answer = [&](const wv1::Shard* shard) {
    answered_with_none = shard == nullptr;
    return true;
  };
  ASSERT_TRUE(parts.dispatcher.Add(waiter).ok());

  parts.dispatcher.Drain();

  EXPECT_TRUE(answered_with_none);
}

TEST_F(FleetDrainTest, NoMoreLeasesAreGrantedAndResultsAreStillTaken) {
  const std::string job = Submit(PutDataset(1));
  const wv1::Shard shard = worker_->Lease(kPatience).shard();
  fleet_->Drain();

  EXPECT_TRUE(worker_->Complete(shard).ok());
  EXPECT_FALSE(worker_->Lease(absl::ZeroDuration()).has_shard());
  EXPECT_EQ(GetJob(job).state, JobState::kPreparing) << "prepared, and not scored";
}

TEST_F(FleetDrainTest, NewSessionsAreSentAway) {
  fleet_->Drain();
  TestWorker late(Connect(), "late");
  const grpc::Status status = late.Open();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonIn(status), "DRAINING");
}

TEST_F(FleetDrainTest, StoppingEndsEveryPendingCall) {
  auto lease = std::async(std::launch::async, [&] {
    grpc::ClientContext context;
    wv1::LeaseShardResponse response;
    return worker_->Lease(context, kPatience, {wv1::PHASE_SCORE}, response);
  });
  auto heartbeat = std::async(std::launch::async, [&] {
    wv1::HeartbeatResponse told;
    return worker_->Heartbeat(worker_->HeartbeatRequest(false), told);
  });
  // A result that is cut short, and its stream left open.
  grpc::ClientContext context;
  wv1::CompleteShardResponse response;
  const auto writer = worker_->stub().CompleteShard(&context, &response);

  AwaitStarted("LeaseShard");
  AwaitStarted("Heartbeat");
  AwaitStarted("CompleteShard");

  StopFleet();

  EXPECT_EQ(lease.get().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(heartbeat.get().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_FALSE(writer->Finish().ok());
}

}  // namespace
}  // namespace headscope::server
