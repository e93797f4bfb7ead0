#include "worker/link/session.h"

#include <gmock/gmock.h>

#include "tests/worker/link/link_fixture.h"

namespace headscope::worker {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using SessionTest = LinkTest;

TEST_F(SessionTest, IntroducesTheWorkerAndItsModels) {
  options().token = "secret";
  options().build = "headscope 0.1.0, LibTorch 1.13.1";
  options().device = "cpu (1 thread)";
  StartWorker();
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) { return state.opened.size() == 1; }));
  const v1::OpenSessionRequest request = server_.state().opened[0];
  EXPECT_EQ(request.worker_id(), "worker");
  EXPECT_EQ(request.boot_id(), "boot");
  EXPECT_EQ(request.min_protocol(), 2u);
  EXPECT_EQ(request.max_protocol(), 2u);
  EXPECT_EQ(request.build(), "headscope 0.1.0, LibTorch 1.13.1");
  EXPECT_EQ(request.device(), "cpu (1 thread)");
  EXPECT_THAT(request.methods(), ElementsAre("gradient"));
  ASSERT_THAT(request.catalogue().entries(), SizeIs(1));
  EXPECT_EQ(request.catalogue().entries(0).model(), "m");
  EXPECT_EQ(request.catalogue().entries(0).family(), "llama");
  EXPECT_EQ(request.catalogue().entries(0).layers(), 3u);
  EXPECT_GE(request.catalogue().entries(0).batch_tokens(), 512u);
  EXPECT_TRUE(request.catalogue().entries(0).has_tokenizer());
  const auto& details = request.catalogue().entries(0).details();
  EXPECT_EQ(details.width(), 64u);
  ASSERT_THAT(details.attention(), SizeIs(1));
  EXPECT_THAT(details.attention(0).layers(), SizeIs(3));
  EXPECT_EQ(details.attention(0).rope().kind(), "default");
  EXPECT_EQ(details.attention(0).rope().numbers(0).name(), "rope_theta");
  EXPECT_GT(details.bytes_per_token(), 0u);
  EXPECT_EQ(details.float32_arithmetic(), headscope::v1::DTYPE_FLOAT64);
  EXPECT_THAT(server_.state().tokens_seen, Contains("secret"));
}

TEST_F(SessionTest, OpensAgainWhenTheServerHasForgottenIt) {
  StartWorker();
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) { return !state.heartbeats.empty(); }));
  server_.EndSession();
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) { return state.opened.size() == 2; }));
  EXPECT_EQ(server_.state().opened[1].worker_id(), "worker");
  EXPECT_EQ(server_.state().opened[1].boot_id(), "boot");
  QueueScore("s0");
  EXPECT_TRUE(server_.WaitFor([](const FakeState& state) { return state.completed.size() == 1; }));
  EXPECT_EQ(server_.state().completed[0].header.session(), "session-2");
}

TEST_F(SessionTest, StopsItsWorkWhenTheSessionHasEnded) {
  QueueScore("s0");
  StartWorker(batches_.Before());
  ASSERT_TRUE(server_.WaitFor([&](const FakeState& state) { return batches_.started() == 1 && Holds(state, "s0"); }));
  server_.EndSession();
  QueueScore("s1");
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) { return state.queue.empty(); }));
  EXPECT_EQ(batches_.cancelled(), 1);
  batches_.Release();
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) { return state.completed.size() == 1; }));
  EXPECT_EQ(server_.state().completed[0].header.lease().shard(), "s1");
  EXPECT_THAT(server_.state().failed, IsEmpty());
  EXPECT_THAT(server_.state().released, IsEmpty());
}

TEST_F(SessionTest, WaitsForAServerThatIsNotThereYet) {
  server_.Stop();
  StartWorker();
  server_.Restart();
  EXPECT_TRUE(server_.WaitFor([](const FakeState& state) { return state.opened.size() == 1; }));
}

TEST_F(SessionTest, KeepsTheSessionOverARestartOfTheServer) {
  StartWorker();
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) { return !state.heartbeats.empty(); }));
  server_.Stop();
  server_.Change([](FakeState& state) { state.heartbeats.clear(); });
  server_.Restart();
  EXPECT_TRUE(server_.WaitFor([](const FakeState& state) { return !state.heartbeats.empty(); }));
  EXPECT_THAT(server_.state().opened, SizeIs(1));
}

TEST_F(SessionTest, GivesUpWhenItIsRefusedForGood) {
  server_.Change([](FakeState& state) { state.refuse_sessions = "PROTOCOL_UNSUPPORTED"; });
  StartWorker();
  ASSERT_TRUE(refused_.WaitForNotificationWithTimeout(absl::Minutes(1)));
  EXPECT_THAT(refusal_, HasSubstr("refuses this worker: not with me"));
}

TEST_F(SessionTest, ComesAgainWhenItsIdIsInUse) {
  server_.Change([](FakeState& state) { state.refusals_with_delay = 2; });
  StartWorker();
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) { return state.opened.size() == 1; }));
  EXPECT_EQ(server_.state().refusals_with_delay, 0);
  EXPECT_FALSE(refused_.HasBeenNotified());
}

TEST_F(SessionTest, TellsTheServerOfNewModels) {
  StartWorker();
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) { return !state.heartbeats.empty(); }));
  AddGoldenModel(root_, "gpt2", "new");
  ASSERT_TRUE(runtime_->catalogue->Rescan());
  link_->CatalogueChanged();
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) {
    for (const v1::HeartbeatRequest& heartbeat : state.heartbeats) {
      if (heartbeat.catalogue().entries_size() == 2) return true;
    }
    return false;
  }));
  server_.Change([](FakeState& state) { state.heartbeats.clear(); });
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) { return state.heartbeats.size() > 3; }));
  EXPECT_FALSE(server_.state().heartbeats.back().has_catalogue()) << "said once";
}

TEST_F(SessionTest, AsksForNoWorkWhileTheServerDrains) {
  server_.Change([](FakeState& state) { state.drain = true; });
  options().lease_wait = absl::ZeroDuration();
  StartWorker();
  // The questions that were on their way when the first answer said so have ended.
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) { return state.heartbeats.size() > 2; }));
  const int questions = server_.state().lease_questions;
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) { return state.heartbeats.size() > 5; }));
  EXPECT_LE(server_.state().lease_questions, questions + 2);
  server_.Change([](FakeState& state) { state.drain = false; });
  QueueScore("s0");
  EXPECT_TRUE(server_.WaitFor([](const FakeState& state) { return state.completed.size() == 1; }));
}

}  // namespace
}  // namespace headscope::worker
