#include "gmock/gmock.h"
#include "proto/support/limits.h"
#include "server/jobs/scores.h"
#include "tests/server/fleet/shard_flow_fixture.h"

namespace headscope::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Two samples of a job that records tokens, leased to a worker.
class RecordedTokensFlowTest : public ShardFlowTest {
 protected:
  void SetUp() override {
    ShardFlowTest::SetUp();
    worker_ = Worker("w1");
    ComputeOptions compute;
    compute.record_tokens = true;
    shard_ = LeasedScoreShard(*worker_, 2, compute);
    tokens_ = worker_->TokenBlocks(shard_);
  }
  // The shard's scores and `tokens_`, in the order of arrival that workers need not keep.
  grpc::Status Complete() {
    const auto scores = worker_->ScoreResult(shard_);
    std::vector<wv1::CompleteShardRequest> blocks = {scores[1]};
    blocks.insert(blocks.end(), tokens_.begin(), tokens_.end());
    blocks.push_back(scores[2]);
    return worker_->Send(worker_->Wrap(shard_, blocks));
  }

  std::unique_ptr<TestWorker> worker_;
  wv1::Shard shard_;
  std::vector<wv1::CompleteShardRequest> tokens_;
};

TEST_F(RecordedTokensFlowTest, AreStoredWithTheScores) {
  EXPECT_TRUE(shard_.compute().record_tokens());
  const grpc::Status status = Complete();
  ASSERT_TRUE(status.ok()) << status.error_message();
  std::vector<ResultShard> results;
  OnStore([&](JobStore& store) { results = *store.ResultShards(job_); });
  const auto scores = DecodeScores(*GetBlob(*blobs_, results.at(0).blob));
  ASSERT_TRUE(scores.ok()) << scores.status();
  ASSERT_TRUE(scores->recorded.has_value());
  EXPECT_THAT(scores->recorded->ids, ElementsAre(1, 2, 3, 4, 1, 2, 3, 5));
  EXPECT_THAT(scores->recorded->response_mask, ElementsAre(0, 1, 1, 1, 0, 1, 1, 1));
  EXPECT_EQ(scores->recorded->strings, "t0t1t2t3t4t5t6t7");
  EXPECT_TRUE(Complete().ok()) << "repeating an accepted result is fine";
}

TEST_F(RecordedTokensFlowTest, StringsMayBeAbsent) {
  for (auto& block : tokens_) block.mutable_tokens()->clear_strings();
  EXPECT_TRUE(Complete().ok());
}

TEST_F(RecordedTokensFlowTest, WhatDoesNotHoldTogetherIsRefusedAndTheLeaseStaysGood) {
  const std::vector<wv1::CompleteShardRequest> good = tokens_;
  const auto refused = [&](const std::string& said) {
    const grpc::Status status = Complete();
    EXPECT_EQ(ReasonIn(status), "BAD_RESULT");
    EXPECT_THAT(status.error_message(), HasSubstr(said));
    tokens_ = good;
  };
  tokens_.clear();
  refused("0 recorded token ids");
  tokens_.pop_back();
  refused("3 recorded token ids with a response mask of 3, the samples have 8");
  tokens_[0].mutable_tokens()->set_ids(0, 1000);
  refused("beyond the largest of the model, 999");
  (*tokens_[0].mutable_tokens()->mutable_response_mask())[0] = 1;
  refused("marks 4 of 4 tokens, 3 are supervised");
  tokens_[1].mutable_tokens()->clear_strings();
  refused("8 recorded tokens have 3 strings");
  tokens_[0].mutable_tokens()->set_strings(0, std::string(kMaxTokenStringBytes + 1, 'x'));
  refused("has 513 bytes, at most 512");
  EXPECT_TRUE(Complete().ok());
}

TEST_F(RecordedTokensFlowTest, AreBoundedByWhatTheShardWasPlannedFor) {
  tokens_[0].mutable_tokens()->set_strings(0, std::string(100'000, 'x'));
  EXPECT_EQ(ReasonIn(Complete()), "RESULT_TOO_LARGE");
}

using JobWithoutRecordedTokensTest = ShardFlowTest;

TEST_F(JobWithoutRecordedTokensTest, TokensThatTheJobDoesNotRecordAreRefused) {
  auto worker = Worker("w1");
  const wv1::Shard shard = LeasedScoreShard(*worker, 2);
  EXPECT_FALSE(shard.compute().record_tokens());
  const auto scores = worker->ScoreResult(shard);
  const grpc::Status status =
      worker->Send(worker->Wrap(shard, {scores[1], scores[2], worker->TokenBlocks(shard).front()}));
  EXPECT_EQ(ReasonIn(status), "BAD_RESULT");
  EXPECT_THAT(status.error_message(), HasSubstr("which the job does not record"));
}

}  // namespace
}  // namespace headscope::server
