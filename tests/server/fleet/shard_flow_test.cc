#include <cmath>
#include <future>
#include <limits>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "proto/support/limits.h"
#include "proto/support/wire/tensor_codec.h"
#include "server/jobs/scores.h"
#include "tests/server/fleet/fleet_fixture.h"

namespace headscope::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ShardFlowTest : public FleetFixture {
 protected:
  // A worker with a session.
  std::unique_ptr<TestWorker> Worker(const std::string& id) {
    auto worker = std::make_unique<TestWorker>(Connect(), id);
    EXPECT_TRUE(worker->Open().ok());
    return worker;
  }
  // The SCORE shard of a job of `samples` samples, prepared and leased.
  wv1::Shard LeasedScoreShard(TestWorker& worker, std::uint32_t samples, const ComputeOptions& compute = {}) {
    job_ = Submit(PutDataset(samples), compute);
    const wv1::Shard prepare = worker.Lease(kPatience).shard();
    EXPECT_TRUE(worker.Complete(prepare).ok());
    return worker.Lease(kPatience).shard();
  }

  std::string job_;
};

constexpr absl::Duration kShortTimeout = absl::Minutes(1);

class ImpatientShardFlowTest : public ShardFlowTest {
 protected:
  FleetOptions Options() override {
    FleetOptions options = ShardFlowTest::Options();
    options.no_progress_timeout = kShortTimeout;
    return options;
  }
};

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

struct Fault {
  const char* name;
  std::function<void(wv1::ScoreBlock&)> spoil;
  const char* said;
};

class BadResultTest : public ShardFlowTest, public ::testing::WithParamInterface<Fault> {};

TEST_P(BadResultTest, IsRefusedAndTheLeaseStaysGood) {
  auto worker = Worker("w1");
  const wv1::Shard shard = LeasedScoreShard(*worker, 2);
  auto messages = worker->ScoreResult(shard);
  GetParam().spoil(*messages[1].mutable_scores());

  const grpc::Status status = worker->Send(worker->Wrap(shard, {messages[1], messages[2]}));

  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
  EXPECT_THAT(status.error_message(), HasSubstr(GetParam().said));
  EXPECT_TRUE(worker->Complete(shard).ok());
  EXPECT_EQ(GetJob(job_).state, JobState::kSucceeded);
}

headscope::v1::Tensor Plane(const std::vector<std::uint32_t>& shape, float value) {
  std::size_t size = 1;
  for (const std::uint32_t extent : shape) size *= extent;
  return EncodeTensor(std::vector<float>(size, value), shape);
}

INSTANTIATE_TEST_SUITE_P(
    Faults, BadResultTest,
    ::testing::Values(
        Fault{"NotANumber",
              [](wv1::ScoreBlock& block) {
                (*block.mutable_planes())["prompt_signed"] = Plane({1, kLayers, kHeads}, std::nanf(""));
              },
              ""},
        Fault{"InfiniteObjective",
              [](wv1::ScoreBlock& block) { block.set_objective(0, std::numeric_limits<double>::infinity()); }, ""},
        Fault{"AnotherShape",
              [](wv1::ScoreBlock& block) {
                (*block.mutable_planes())["prompt_signed"] = Plane({1, kHeads, kLayers}, 1);
              },
              "plane prompt_signed is not [1, 2, 3]"},
        Fault{"DataThatIsShort",
              [](wv1::ScoreBlock& block) { (*block.mutable_planes())["prompt_signed"].mutable_data()->pop_back(); },
              "plane prompt_signed"},
        Fault{"AMissingPlane", [](wv1::ScoreBlock& block) { block.mutable_planes()->erase("prompt_signed"); },
              "3 planes, the method has 4"},
        Fault{"AnUnknownPlane",
              [](wv1::ScoreBlock& block) {
                block.mutable_planes()->erase("prompt_signed");
                (*block.mutable_planes())["invented"] = Plane({1, kLayers, kHeads}, 1);
              },
              "plane prompt_signed is missing"},
        Fault{"AForeignSample", [](wv1::ScoreBlock& block) { block.set_samples(0, 9); }, ""},
        Fault{"ASampleTwice", [](wv1::ScoreBlock& block) { block.set_samples(0, 1); }, ""},
        Fault{"CountsThatDisagree", [](wv1::ScoreBlock& block) { block.add_tokens(4); }, "2 token counts"},
        Fault{"OtherTokensThanPrepared", [](wv1::ScoreBlock& block) { block.set_tokens(0, 5); },
              "9 tokens, 8 were counted"},
        Fault{"NoSupervisedTokens", [](wv1::ScoreBlock& block) { block.set_response_tokens(0, 0); }, "0 supervised"}),
    [](const auto& info) { return info.param.name; });

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

TEST_F(ShardFlowTest, TokensThatTheJobDoesNotRecordAreRefused) {
  auto worker = Worker("w1");
  const wv1::Shard shard = LeasedScoreShard(*worker, 2);
  EXPECT_FALSE(shard.compute().record_tokens());
  const auto scores = worker->ScoreResult(shard);
  const grpc::Status status =
      worker->Send(worker->Wrap(shard, {scores[1], scores[2], worker->TokenBlocks(shard).front()}));
  EXPECT_EQ(ReasonIn(status), "BAD_RESULT");
  EXPECT_THAT(status.error_message(), HasSubstr("which the job does not record"));
}

TEST_F(ShardFlowTest, AWrongDigestIsRefused) {
  auto worker = Worker("w1");
  const wv1::Shard shard = LeasedScoreShard(*worker, 2);
  auto messages = worker->ScoreResult(shard);
  messages[1].mutable_scores()->set_objective(0, 3);
  EXPECT_EQ(ReasonIn(worker->Send(messages)), "CHECKSUM_MISMATCH");
}

TEST_F(ShardFlowTest, AStreamOutOfOrderIsRefused) {
  auto worker = Worker("w1");
  const wv1::Shard shard = LeasedScoreShard(*worker, 2);
  auto messages = worker->ScoreResult(shard);
  EXPECT_EQ(worker->Send({messages[1]}).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(worker->Send({messages[0], messages[1]}).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(worker->Send({messages[0], messages[0]}).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(worker->Send({}).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(worker->Send(messages).ok());
}

TEST_F(ShardFlowTest, AResultBeyondWhatTheShardCanHaveIsRefused) {
  auto worker = Worker("w1");
  const wv1::Shard shard = LeasedScoreShard(*worker, 2);
  auto messages = worker->ScoreResult(shard);
  std::vector<wv1::CompleteShardRequest> many(1000, messages[1]);
  const grpc::Status status = worker->Send(worker->Wrap(shard, many));
  EXPECT_EQ(ReasonIn(status), "RESULT_TOO_LARGE");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << "the worker shall not try that again";
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

TEST_F(ShardFlowTest, PreparationMustNameEverySampleOnce) {
  auto worker = Worker("w1");
  Submit(PutDataset(3));
  const wv1::Shard shard = worker->Lease(kPatience).shard();
  auto messages = worker->PrepareResult(shard);
  messages[1].mutable_prepared()->mutable_samples()->RemoveLast();
  messages[1].mutable_prepared()->mutable_tokens()->RemoveLast();
  messages[1].mutable_prepared()->mutable_prompt_tokens()->RemoveLast();
  EXPECT_THAT(worker->Send(worker->Wrap(shard, {messages[1]})).error_message(), HasSubstr("2 samples were prepared"));
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
