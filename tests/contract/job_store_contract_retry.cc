// Jobs that ended without a pattern and go on.
#include <gmock/gmock.h>

#include "proto/support/error.h"
#include "tests/contract/job_store_contract.h"

namespace headscope::server {
namespace {

using absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Of 10 tokens each: a shard and a half.
constexpr std::uint64_t kTwoShards = 3 * kMinShardTokens / 20;

TEST_P(JobStoreContract, ARetriedJobKeepsWhatIsDone) {
  const Job job = SubmitSamples(kTwoShards);
  const SessionRef session = OpenSession("w");
  Prepare(session, job.id);
  const Lease done = ClaimOf(session, job.id);
  ASSERT_THAT(CompleteScore(session, done, 'a'), IsOk());
  clock().Advance(absl::Seconds(7));
  const Lease failed = ClaimOf(session, job.id);
  ASSERT_THAT(store().Fail(KeyOf(session, failed), {{"NON_FINITE_SCORES", "why"}, false, {}}), IsOk());
  ASSERT_EQ(Get(job.id).state, JobState::kFailed);
  clock().Advance(absl::Seconds(7));
  const auto effect = store().RetryJob(job.id);
  ASSERT_THAT(effect, IsOk());
  EXPECT_THAT(effect->changed_jobs, ElementsAre(job.id));
  EXPECT_TRUE(effect->work_available);
  Restart();
  const Job retried = Get(job.id);
  EXPECT_EQ(retried.state, JobState::kQueued);
  EXPECT_EQ(retried.failure, std::nullopt);
  EXPECT_EQ(retried.start_time, std::nullopt);
  EXPECT_EQ(retried.end_time, std::nullopt);
  EXPECT_EQ(retried.queue_time, clock().Now());
  EXPECT_EQ(retried.create_time, job.create_time);
  EXPECT_EQ(retried.counts.samples_done, done.shard.samples.size());
  EXPECT_EQ(retried.tokens_kept, done.shard.tokens);
  EXPECT_EQ(retried.spec.model_digest, Digest('m')) << "the pin stays";
  const Lease again = ClaimOf(session, job.id);
  EXPECT_EQ(again.shard.id, failed.shard.id);
  EXPECT_EQ(again.shard.samples, failed.shard.samples);
  EXPECT_EQ(again.shard.attempts, 0u);
  EXPECT_GT(again.shard.fence, failed.shard.fence);
  EXPECT_EQ(Get(job.id).state, JobState::kRunning);
  ASSERT_THAT(CompleteScore(session, again, 'b'), IsOk());
  EXPECT_EQ(Get(job.id).state, JobState::kSucceeded);
  EXPECT_EQ(Get(job.id).counts.samples_done, kTwoShards);
  const auto results = store().ResultShards(job.id);
  ASSERT_THAT(results, IsOk());
  ASSERT_THAT(*results, SizeIs(2));
  EXPECT_EQ(results->at(0).blob, BlobName('a'));
  EXPECT_EQ(results->at(1).blob, BlobName('b'));
}

TEST_P(JobStoreContract, AJobGoesOnWhateverElseItFailedFor) {
  const SessionRef session = OpenSession("w");
  for (const char* reason : {"MODEL_UNSUPPORTED", "OUT_OF_MEMORY", "INVALID_OPTIONS", "INTERNAL"}) {
    const Job job = SubmitSamples(5);
    Prepare(session, job.id);
    ASSERT_THAT(store().Fail(KeyOf(session, ClaimOf(session, job.id)), {{reason, "why"}, false, {}}), IsOk());
    EXPECT_EQ(Get(job.id).failure->reason, reason);
    ASSERT_THAT(store().RetryJob(job.id), IsOk());
    Finish(session, job.id);
    EXPECT_EQ(Get(job.id).state, JobState::kSucceeded) << reason;
  }
}

TEST_P(JobStoreContract, ARetryCountsAttemptsAnewWithoutBackOff) {
  NewJob job = JobOn(Dataset(5));
  job.spec.max_attempts = 2;
  const std::string id = Submit(job).id;
  const SessionRef session = OpenSession("w");
  for (int round = 0; round < 2; ++round) {
    for (int attempt = 0; attempt < 2; ++attempt) {
      ASSERT_THAT(store().Fail(KeyOf(session, ClaimOf(session, id)), {{"INTERNAL", "why"}, true, {}}), IsOk());
      clock().Advance(absl::Seconds(2));
    }
    EXPECT_EQ(Get(id).failure->reason, "MAX_ATTEMPTS_EXCEEDED");
    ASSERT_THAT(store().RetryJob(id), IsOk());
  }
  Finish(session, id);
  EXPECT_EQ(Get(id).state, JobState::kSucceeded);
  EXPECT_EQ(Get(id).counts.attempts, 6u) << "all of them are shown";
}

TEST_P(JobStoreContract, ARetryForgetsDeathsOfWorkers) {
  const Job job = SubmitSamples(5);
  for (std::uint32_t death = 0; death < kMaxWorkerDeaths; ++death) {
    ClaimOf(OpenSession("local-0"), job.id);
    ASSERT_THAT(store().LoseWorker("local-0"), IsOk());
  }
  ASSERT_EQ(Get(job.id).failure->reason, "POISONED");
  ASSERT_THAT(store().RetryJob(job.id), IsOk());
  const SessionRef session = OpenSession("w");
  EXPECT_EQ(ClaimOf(session, job.id).shard.worker_deaths, 0u);
}

TEST_P(JobStoreContract, AJobThatWasFailedFromOutsideGoesOn) {
  const Job job = SubmitSamples(kTwoShards);
  const SessionRef session = OpenSession("w");
  Prepare(session, job.id);
  ASSERT_THAT(CompleteScore(session, ClaimOf(session, job.id)), IsOk());
  const Lease lease = ClaimOf(session, job.id);
  const auto failed = store().FailJob(job.id, {"MODEL_CHANGED", "why"});
  ASSERT_THAT(failed, IsOk());
  EXPECT_THAT(failed->changed_jobs, ElementsAre(job.id));
  EXPECT_THAT(CompleteScore(session, lease), IsError(StatusCode::kAborted, "STALE_LEASE"));
  EXPECT_EQ(Get(job.id).failure->reason, "MODEL_CHANGED");
  EXPECT_THAT(store().FailJob(job.id, {"INTERNAL", "why"})->changed_jobs, IsEmpty()) << "it has ended";
  ASSERT_THAT(store().RetryJob(job.id), IsOk());
  EXPECT_THAT(CompleteScore(session, lease), IsError(StatusCode::kAborted, "STALE_LEASE"));
  Finish(session, job.id);
  EXPECT_EQ(Get(job.id).state, JobState::kSucceeded);
}

TEST_P(JobStoreContract, ACancelledJobGoesOnWithWhatWasDoneBefore) {
  const Job job = SubmitSamples(kTwoShards);
  const SessionRef session = OpenSession("w");
  Prepare(session, job.id);
  ASSERT_THAT(CompleteScore(session, ClaimOf(session, job.id)), IsOk());
  ASSERT_THAT(store().Cancel(job.id), IsOk());
  ASSERT_EQ(Get(job.id).state, JobState::kCancelled);
  ASSERT_THAT(store().RetryJob(job.id), IsOk());
  const std::uint64_t before = Get(job.id).counts.attempts;
  Finish(session, job.id);
  EXPECT_EQ(Get(job.id).state, JobState::kSucceeded);
  EXPECT_EQ(Get(job.id).counts.attempts, before + 1);
}

TEST_P(JobStoreContract, AJobBeingCancelledIsTakenFromItsWorkersWhenItIsRetried) {
  const Job job = SubmitSamples(5);
  const SessionRef session = OpenSession("w");
  Prepare(session, job.id);
  const Lease lease = ClaimOf(session, job.id);
  ASSERT_THAT(store().Cancel(job.id), IsOk());
  ASSERT_THAT(store().RetryJob(job.id), IsOk());
  EXPECT_EQ(Get(job.id).state, JobState::kQueued);
  EXPECT_FALSE(Get(job.id).cancel_requested);
  EXPECT_THAT(store().Heartbeat(session, Held({lease}))->abandon, ElementsAre(Held({lease})[0]));
  EXPECT_THAT(CompleteScore(session, lease), IsError(StatusCode::kAborted, "STALE_LEASE"));
  Finish(session, job.id);
  EXPECT_EQ(Get(job.id).state, JobState::kSucceeded);
}

TEST_P(JobStoreContract, AnExpiredJobWaitsAnew) {
  NewJob job = JobOn(Dataset(5));
  job.spec.queue_ttl = absl::Minutes(1);
  const std::string id = Submit(job).id;
  clock().Advance(absl::Minutes(1));
  ASSERT_THAT(store().Reap(), IsOk());
  ASSERT_EQ(Get(id).state, JobState::kExpired);
  ASSERT_THAT(store().RetryJob(id), IsOk());
  EXPECT_EQ(store().Stats()->oldest_age.at("gpt2"), absl::ZeroDuration());
  clock().Advance(absl::Seconds(59));
  EXPECT_THAT(store().Reap()->changed_jobs, IsEmpty());
  clock().Advance(absl::Seconds(1));
  EXPECT_THAT(store().Reap()->changed_jobs, ElementsAre(id));
}

TEST_P(JobStoreContract, ARetryIsPlannedAtOnceWhereTokenCountsAreKnownMeanwhile) {
  const std::string dataset = Dataset(5);
  const SessionRef session = OpenSession("w");
  ASSERT_THAT(store().PutCatalogue("w", {Entry("gpt2", Digest('m'), Digest('t'))}), IsOk());
  const Job job = Submit(JobOn(dataset));
  ASSERT_THAT(store().Cancel(job.id), IsOk());
  Finish(session, Submit(JobOn(dataset)).id);
  ASSERT_THAT(store().RetryJob(job.id), IsOk());
  EXPECT_TRUE(Get(job.id).prepared);
  EXPECT_EQ(ClaimOf(session, job.id).shard.phase, Phase::kScore);
  ASSERT_THAT(store().Cancel(job.id), IsOk());
  ASSERT_THAT(store().RetryJob(job.id), IsOk());
  EXPECT_EQ(store().Candidates()->front().phase, Phase::kScore) << "what was left of PREPARE stays where it is";
  Finish(session, job.id);
  EXPECT_EQ(Get(job.id).state, JobState::kSucceeded);
}

TEST_P(JobStoreContract, ARetryIsRefusedWhereNothingCanComeToPass) {
  const SessionRef session = OpenSession("w");
  const auto refused = IsError(StatusCode::kFailedPrecondition, "JOB_NOT_RETRYABLE");
  const Job succeeded = SubmitSamples(5);
  Finish(session, succeeded.id);
  EXPECT_THAT(store().RetryJob(succeeded.id), refused);
  const Job invalid = SubmitSamples(1);
  ASSERT_THAT(store().CompletePrepare(KeyOf(session, ClaimOf(session, invalid.id)), Digest('m'), {},
                                      {{0, "a", "TOO_LONG", "why"}}),
              IsOk());
  EXPECT_THAT(store().RetryJob(invalid.id), refused);
  EXPECT_EQ(Get(invalid.id).failure->reason, "INVALID_SAMPLES");
  const Job waiting = SubmitSamples(5);
  EXPECT_THAT(store().RetryJob(waiting.id), IsError(StatusCode::kFailedPrecondition, "JOB_NOT_ENDED"));
  EXPECT_THAT(store().RetryJob("j-none"), IsError(StatusCode::kNotFound, "JOB_NOT_FOUND"));
}

TEST_P(JobStoreContract, AFullQueueTakesNoRetryEither) {
  StoreOptions options;
  options.max_queued_jobs = 2;
  Restart(options);
  const Job first = SubmitSamples(1);
  SubmitSamples(1);
  ASSERT_THAT(store().Cancel(first.id), IsOk());
  SubmitSamples(1);
  EXPECT_THAT(store().RetryJob(first.id), IsError(StatusCode::kResourceExhausted, "QUEUE_FULL"));
  EXPECT_EQ(Get(first.id).state, JobState::kCancelled);
}

}  // namespace
}  // namespace headscope::server
