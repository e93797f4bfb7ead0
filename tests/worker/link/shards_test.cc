#include <gmock/gmock.h>

#include <cmath>

#include "proto/support/limits.h"
#include "proto/support/wire/tensor_codec.h"
#include "tests/worker/link/link_fixture.h"

namespace headscope::worker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using ShardsTest = LinkTest;

TEST_F(ShardsTest, HandsInScoresThatAgreeWithTheGoldenCase) {
  QueueScore("s0", 40);
  StartWorker();
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) { return state.completed.size() == 1; }));
  const FakeCompletion completion = server_.state().completed[0];
  EXPECT_TRUE(completion.digest_agrees);
  EXPECT_EQ(completion.header.lease().shard(), "s0");
  EXPECT_EQ(completion.header.lease().fence(), 3u);
  EXPECT_EQ(completion.header.batch_tokens(), 40u);
  EXPECT_EQ(completion.header.batches(), 3u);
  EXPECT_THAT(completion.header.model_digest(), SizeIs(32));
  ASSERT_THAT(completion.scores, SizeIs(1));
  const v1::ScoreBlock& block = completion.scores[0];
  EXPECT_THAT(block.samples(), ElementsAre(100, 101, 102, 103, 104));
  EXPECT_THAT(block.tokens(), ElementsAre(5, 33, 17, 9, 26));
  const std::vector<GoldenSample> golden = ReadGolden("llama");
  const auto prompt = DecodeFloat32(block.planes().at("prompt_signed")).value();
  const auto response = DecodeFloat32(block.planes().at("response_signed")).value();
  EXPECT_THAT(block.planes().at("prompt_signed").shape(), ElementsAre(5, 3, 4));
  for (std::size_t sample = 0; sample < golden.size(); ++sample) {
    EXPECT_NEAR(block.objective(static_cast<int>(sample)), golden[sample].objective, 1e-5 * golden[sample].objective);
    double largest = 0;
    for (const double score : golden[sample].scores) largest = std::max(largest, std::abs(score));
    for (std::size_t head = 0; head < 12; ++head) {
      const double score = double{prompt[sample * 12 + head]} + response[sample * 12 + head];
      // system.md 4: within 1e-5 of the largest score of the sample's matrix.
      EXPECT_NEAR(score, golden[sample].scores[head], 1e-5 * largest);
    }
  }
}

TEST_F(ShardsTest, PreparesAndReportsBadRows) {
  v1::Shard shard = ScoreShard("p0");
  shard.set_phase(v1::PHASE_PREPARE);
  shard.clear_model_digest();
  shard.clear_samples();
  for (const std::uint32_t position : {7, 8, 9}) shard.add_samples(position);
  server_.Queue(shard, {{"a", TextPair{"AB", "CD"}}, {"b", TokenIds{{1, 99}, 1}}, {"c", TokenIds{{1, 2, 3}, 1}}});
  StartWorker();
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) { return state.completed.size() == 1; }));
  const FakeCompletion completion = server_.state().completed[0];
  EXPECT_TRUE(completion.digest_agrees);
  ASSERT_THAT(completion.prepared, SizeIs(1));
  EXPECT_THAT(completion.prepared[0].samples(), ElementsAre(7, 9));
  EXPECT_THAT(completion.prepared[0].tokens(), ElementsAre(5, 3));
  EXPECT_THAT(completion.prepared[0].prompt_tokens(), ElementsAre(2, 1));
  ASSERT_THAT(completion.prepared[0].invalid(), SizeIs(1));
  EXPECT_EQ(completion.prepared[0].invalid(0).index(), 8u);
  EXPECT_EQ(completion.prepared[0].invalid(0).id(), "b");
  EXPECT_EQ(completion.prepared[0].invalid(0).reason(), "TOKEN_OUT_OF_RANGE");
}

TEST_F(ShardsTest, TokenizesAText) {
  v1::Shard shard = ScoreShard("t0");
  shard.set_phase(v1::PHASE_TOKENIZE);
  shard.mutable_tokenize()->set_text("hello");
  shard.mutable_tokenize()->set_response("A");
  server_.Queue(shard, {});
  StartWorker();
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) { return state.completed.size() == 1; }));
  const FakeCompletion completion = server_.state().completed[0];
  EXPECT_TRUE(completion.digest_agrees);
  ASSERT_THAT(completion.tokenized, SizeIs(1));
  EXPECT_THAT(completion.tokenized[0].ids(), ElementsAre(259, 'A'));
  EXPECT_THAT(completion.tokenized[0].tokens(), ElementsAre("hello", "A"));
  EXPECT_EQ(completion.tokenized[0].text(), "helloA");
  EXPECT_EQ(completion.tokenized[0].prompt_tokens(), 1u);
}

TEST_F(ShardsTest, ReportsAFailureWithItsReason) {
  v1::Shard shard = ScoreShard("s0");
  shard.set_model_digest(std::string(32, 'x'));
  server_.Queue(shard, GoldenSamples());
  StartWorker();
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) { return state.failed.size() == 1; }));
  EXPECT_EQ(server_.state().failed[0].failure().reason(), "MODEL_CHANGED");
  EXPECT_FALSE(server_.state().failed[0].retryable());
}

TEST_F(ShardsTest, ReportsSamplesThatDoNotCome) {
  server_.Queue(ScoreShard("s0"), {});
  StartWorker();
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) { return state.failed.size() == 1; }));
  EXPECT_THAT(server_.state().failed[0].failure().message(), HasSubstr("the shard has 5 samples, 0 came"));
  EXPECT_TRUE(server_.state().failed[0].retryable());
}

TEST_F(ShardsTest, OffersAFinishedShardAgainUntilItIsTaken) {
  server_.Change([](FakeState& state) { state.refuse_completions = 3; });
  QueueScore("s0");
  batches_.Release();
  StartWorker(batches_.Before());
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) { return state.completed.size() == 1; }));
  EXPECT_EQ(server_.state().completion_tries, 4);
  EXPECT_EQ(batches_.started(), 1) << "nothing was computed again";
  EXPECT_TRUE(server_.state().completed[0].digest_agrees);
}

TEST_F(ShardsTest, KeepsAFinishedShardWhileTheServerRestarts) {
  QueueScore("s0");
  StartWorker(batches_.Before());
  ASSERT_TRUE(server_.WaitFor([&](const FakeState& state) { return batches_.started() == 1 && Holds(state, "s0"); }));
  server_.Stop();
  batches_.Release();
  server_.Restart();
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) { return state.completed.size() == 1; }));
  EXPECT_EQ(batches_.started(), 1);
  EXPECT_THAT(server_.state().opened, SizeIs(1)) << "the session has survived";
}

TEST_F(ShardsTest, DropsAResultWhoseLeaseIsStaleAndGoesOn) {
  QueueScore("s0");
  StartWorker(batches_.Before());
  ASSERT_TRUE(server_.WaitFor([&](const FakeState& state) { return batches_.started() == 1 && Holds(state, "s0"); }));
  server_.Change([](FakeState& state) { state.stale_leases = true; });
  batches_.Release();
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) { return state.completion_tries == 1; }));
  server_.Change([](FakeState& state) { state.stale_leases = false; });
  QueueScore("s1");
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) { return state.completed.size() == 1; }));
  EXPECT_EQ(server_.state().completed[0].header.lease().shard(), "s1");
  EXPECT_THAT(server_.state().failed, IsEmpty());
}

TEST_F(ShardsTest, StopsWorkThatTheServerAbandons) {
  QueueScore("s0");
  StartWorker(batches_.Before());
  ASSERT_TRUE(server_.WaitFor([&](const FakeState& state) { return batches_.started() == 1 && Holds(state, "s0"); }));
  server_.Change([](FakeState& state) {
    v1::LeaseRef lease;
    lease.set_shard("s0");
    lease.set_fence(3);
    state.abandon.push_back(lease);
  });
  QueueScore("s1");
  ASSERT_TRUE(
      server_.WaitFor([&](const FakeState& state) { return state.queue.empty() && batches_.cancelled() == 1; }));
  batches_.Release();
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) { return state.completed.size() == 1; }));
  EXPECT_EQ(server_.state().completed[0].header.lease().shard(), "s1");
  EXPECT_THAT(server_.state().released, IsEmpty()) << "an abandoned lease is not talked about";
}

TEST_F(ShardsTest, ReportsProgressAndWhatIsInMemory) {
  QueueScore("s0", 40);
  StartWorker();
  ASSERT_TRUE(server_.WaitFor([](const FakeState& state) {
    return state.completed.size() == 1 && !state.heartbeats.empty() && state.heartbeats.back().resident_size() == 1;
  }));
  EXPECT_EQ(server_.state().heartbeats.back().resident(0).model(), "m");
  EXPECT_GT(server_.state().heartbeats.back().free_bytes(), 0u);
}

TEST_F(ShardsTest, SaysHowFarAShardIsWhileItRuns) {
  QueueScore("s0", 40);
  batches_.LetThrough(2);
  StartWorker(batches_.Before());
  EXPECT_TRUE(server_.WaitFor([](const FakeState& state) {
    if (state.heartbeats.empty() || state.heartbeats.back().held().empty()) return false;
    const v1::Held& held = state.heartbeats.back().held(0);
    return held.lease().shard() == "s0" && held.samples_done() == 2 && held.tokens_done() == 59;
  }));
  batches_.Release();
}

}  // namespace
}  // namespace headscope::worker
