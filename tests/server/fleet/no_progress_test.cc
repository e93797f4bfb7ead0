// Shards that are held and do not progress.
#include "gmock/gmock.h"
#include "proto/support/limits.h"
#include "tests/server/fleet/shard_flow_fixture.h"

namespace headscope::server {
namespace {

constexpr absl::Duration kShortTimeout = absl::Minutes(1);

class ImpatientShardFlowTest : public ShardFlowTest {
 protected:
  FleetOptions Options() override {
    FleetOptions options = ShardFlowTest::Options();
    options.no_progress_timeout = kShortTimeout;
    return options;
  }
};

TEST_F(ImpatientShardFlowTest, AHungShardIsTakenBack) {
  auto worker = Worker("w1");
  const wv1::Shard shard = LeasedScoreShard(*worker, 2);
  auto request = worker->HeartbeatRequest(true);
  *request.add_held()->mutable_lease() = shard.lease();
  wv1::HeartbeatResponse response;
  // In steps that keep the session alive and are no pause of the server.
  for (absl::Duration silent; silent <= kShortTimeout; silent += kSessionTtl / 5) {
    Pass(kSessionTtl / 5);
    response.Clear();
    ASSERT_TRUE(worker->Heartbeat(request, response).ok());
    if (response.abandon_size() != 0) break;
  }
  ASSERT_EQ(response.abandon_size(), 1);
  EXPECT_EQ(response.abandon(0).shard(), shard.lease().shard());
}

TEST_F(ImpatientShardFlowTest, HandingInInVainIsNoProgress) {
  auto worker = Worker("w1");
  const wv1::Shard shard = LeasedScoreShard(*worker, 2);
  auto messages = worker->ScoreResult(shard);
  messages.back().mutable_commit()->set_sha256("another");
  auto request = worker->HeartbeatRequest(true);
  *request.add_held()->mutable_lease() = shard.lease();
  wv1::HeartbeatResponse response;
  for (absl::Duration passed; passed <= 2 * kShortTimeout && response.abandon_size() == 0; passed += kSessionTtl / 5) {
    EXPECT_FALSE(worker->Send(messages).ok());
    Pass(kSessionTtl / 5);
    response.Clear();
    ASSERT_TRUE(worker->Heartbeat(request, response).ok());
  }
  EXPECT_EQ(response.abandon_size(), 1);
}

TEST_F(ImpatientShardFlowTest, AShardLeasedAheadKeepsItsPatienceWhileTheOneBeforeItProgresses) {
  auto worker = Worker("w1");
  const wv1::Shard computed = LeasedScoreShard(*worker, 100);
  const wv1::Shard ahead = LeasedScoreShard(*worker, 3);
  auto request = worker->HeartbeatRequest(true);
  *request.add_held()->mutable_lease() = computed.lease();
  *request.add_held()->mutable_lease() = ahead.lease();
  wv1::HeartbeatResponse response;
  const auto pass_and_say = [&](std::uint64_t done) {
    Pass(kSessionTtl / 5);
    request.mutable_held(0)->set_samples_done(done);
    request.mutable_held(0)->set_tokens_done(4 * done);
    response.Clear();
    ASSERT_TRUE(worker->Heartbeat(request, response).ok());
  };
  std::uint64_t done = 0;
  for (absl::Duration passed; passed <= 2 * kShortTimeout; passed += kSessionTtl / 5) {
    pass_and_say(++done);
    ASSERT_EQ(response.abandon_size(), 0);
  }
  for (absl::Duration passed; passed <= kShortTimeout && response.abandon_size() == 0; passed += kSessionTtl / 5) {
    pass_and_say(done);
  }
  EXPECT_EQ(response.abandon_size(), 2) << "the computing has stalled";
}

}  // namespace
}  // namespace headscope::server
