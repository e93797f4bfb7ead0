#include <future>

#include "gmock/gmock.h"
#include "proto/support/error.h"
#include "tests/server/fleet/fleet_fixture.h"

namespace headscope::server {
namespace {

using ::testing::ElementsAre;

class TokenizeTest : public FleetFixture {
 protected:
  FleetOptions Options() override {
    FleetOptions options = FleetFixture::Options();
    options.tokenize_timeout = timeout_;
    return options;
  }
  std::future<absl::StatusOr<TokenizeAnswer>> Ask(const std::string& text) {
    auto promise = std::make_shared<std::promise<absl::StatusOr<TokenizeAnswer>>>();
    fleet_->Tokenize({kModel, text, "answer", true},
                     [promise](absl::StatusOr<TokenizeAnswer> answer) { promise->set_value(std::move(answer)); });
    return promise->get_future();
  }
  wv1::Shard LeasedTask(TestWorker& worker) {
    grpc::ClientContext context;
    wv1::LeaseShardResponse response;
    const grpc::Status status = worker.Lease(context, kPatience, {wv1::PHASE_TOKENIZE}, response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.shard();
  }

  absl::Duration timeout_ = kPatience;
};

TEST_F(TokenizeTest, ATextIsTokenisedByAWorkerThatWaits) {
  TestWorker worker(Connect(), "w1");
  ASSERT_TRUE(worker.Open().ok());
  auto answer = Ask("a question");
  const wv1::Shard shard = LeasedTask(worker);
  EXPECT_EQ(shard.phase(), wv1::PHASE_TOKENIZE);
  EXPECT_EQ(shard.tokenize().text(), "a question");
  EXPECT_EQ(shard.tokenize().response(), "answer");
  wv1::CompleteShardRequest first;
  first.mutable_tokenized()->add_ids(5);
  first.mutable_tokenized()->add_tokens("a");
  first.mutable_tokenized()->set_text("a");
  first.mutable_tokenized()->set_prompt_tokens(1);
  wv1::CompleteShardRequest second;
  second.mutable_tokenized()->add_ids(6);
  second.mutable_tokenized()->add_tokens("b");
  second.mutable_tokenized()->set_text("b");

  ASSERT_TRUE(worker.Send(worker.Wrap(shard, {first, second})).ok());

  const absl::StatusOr<TokenizeAnswer> got = answer.get();
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_THAT(got->ids, ElementsAre(5, 6));
  EXPECT_EQ(got->text, "ab");
  EXPECT_EQ(got->prompt_tokens, 1u);
}

TEST_F(TokenizeTest, WithoutAWorkerItFailsAtOnce) {
  EXPECT_EQ(Ask("text").get().status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(TokenizeTest, TheWorkersRefusalReachesWhoAsked) {
  TestWorker worker(Connect(), "w1");
  ASSERT_TRUE(worker.Open().ok());
  auto answer = Ask("text");
  ASSERT_TRUE(worker.Fail(LeasedTask(worker).lease(), "NO_TOKENIZER", false).ok());
  EXPECT_EQ(answer.get().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(TokenizeTest, ALostWorkersTextGoesToAnother) {
  TestWorker lost(Connect(), "local-0");
  ASSERT_TRUE(lost.Open(lost.OpenRequest(), kToken).ok());
  TestWorker other(Connect(), "other");
  ASSERT_TRUE(other.Open().ok());
  auto answer = Ask("text");
  const wv1::Shard stale = LeasedTask(lost);
  fleet_->LoseLocalWorker("local-0");

  const wv1::Shard shard = LeasedTask(other);

  EXPECT_EQ(shard.tokenize().text(), "text");
  EXPECT_EQ(lost.Release(stale.lease()).error_code(), grpc::StatusCode::ABORTED);
  ASSERT_TRUE(other.Fail(shard.lease(), "INVALID_TEXT", false).ok());
  EXPECT_EQ(answer.get().status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(TokenizeTest, ATextThatNobodyWaitsForIsTakenFromItsWorker) {
  TestWorker worker(Connect(), "w1");
  ASSERT_TRUE(worker.Open().ok());
  bool called = false;
  const std::string id =
      fleet_->Tokenize({kModel, "text", {}, true}, [&](const absl::StatusOr<TokenizeAnswer>&) { called = true; });
  const wv1::Shard shard = LeasedTask(worker);

  fleet_->DropText(id);

  auto heartbeat = worker.HeartbeatRequest(true);
  *heartbeat.add_held()->mutable_lease() = shard.lease();
  wv1::HeartbeatResponse response;
  ASSERT_TRUE(worker.Heartbeat(heartbeat, response).ok());
  ASSERT_EQ(response.abandon_size(), 1);
  EXPECT_EQ(worker.Fail(shard.lease(), "INVALID_TEXT", false).error_code(), grpc::StatusCode::ABORTED);
  fleet_->DropText(id);
  StopFleet();
  EXPECT_FALSE(called);
}

TEST_F(TokenizeTest, WaitingTextsTakeBoundedMemory) {
  TestWorker worker(Connect(), "w1");
  ASSERT_TRUE(worker.Open().ok());
  const std::string text(std::size_t{1} << 20, 'x');
  const auto ignore = [](const absl::StatusOr<TokenizeAnswer>&) {};
  std::string last;
  for (int i = 0; i < 64; ++i) last = fleet_->Tokenize({kModel, text, {}, true}, ignore);
  ASSERT_NE(last, "");
  EXPECT_EQ(ReasonOf(Ask("one more").get().status()), "QUEUE_FULL");
  fleet_->DropText(last);
  EXPECT_NE(fleet_->Tokenize({kModel, text, {}, true}, ignore), "");
}

class ImpatientTokenizeTest : public TokenizeTest {
 protected:
  ImpatientTokenizeTest() { timeout_ = absl::Milliseconds(1); }
};

TEST_F(ImpatientTokenizeTest, NobodyTakingItEndsWithADeadline) {
  TestWorker worker(Connect(), "w1");
  ASSERT_TRUE(worker.Open().ok());
  const absl::Status status = Ask("text").get().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(ReasonOf(status), "TOKENIZE_TIMEOUT");
}

}  // namespace
}  // namespace headscope::server
