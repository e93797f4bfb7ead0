// Leases: fences, completion, failure, planning.
#include <gmock/gmock.h>

#include <numeric>
#include <set>

#include "tests/contract/job_store_contract.h"
#include "tests/fakes/stored_blobs.h"

namespace headscope::server {
namespace {

using absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const auto kStaleLease = IsError(StatusCode::kAborted, "STALE_LEASE");

TEST_P(JobStoreContract, AShardIsLeasedToOneWorker) {
  const Job job = SubmitSamples(5);
  const SessionRef session = OpenSession("w");
  const Lease lease = ClaimOf(session, job.id);
  EXPECT_EQ(lease.shard.phase, Phase::kPrepare);
  EXPECT_EQ(lease.shard.fence, 1);
  EXPECT_THAT(lease.shard.samples, ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(lease.spec.dataset, job.spec.dataset);
  EXPECT_EQ(Get(job.id).state, JobState::kPreparing);
  EXPECT_EQ(Get(job.id).start_time, std::nullopt) << "nothing is scored yet";
  EXPECT_THAT(*store().Candidates(), IsEmpty());
  EXPECT_EQ(*store().Claim(OpenSession("v"), lease.shard.id), std::nullopt);
  EXPECT_EQ(*store().Claim(session, "j-none.p0"), std::nullopt);
  EXPECT_EQ(*store().Claim(session, "nonsense"), std::nullopt);
}

TEST_P(JobStoreContract, CandidatesNameTheNextShardOfEachJob) {
  const Job first = SubmitSamples(3 * kPrepareShardSamples);
  NewJob other = JobOn(Dataset(1));
  other.spec.priority = 4;
  const Job second = Submit(other);
  const Lease lease = ClaimOf(OpenSession("w"), first.id);
  clock().Advance(absl::Seconds(2));
  const auto candidates = store().Candidates();
  ASSERT_THAT(candidates, IsOk());
  ASSERT_THAT(*candidates, SizeIs(2));
  EXPECT_EQ((*candidates)[0].job, second.id) << "by priority";
  EXPECT_EQ((*candidates)[0].priority, 4);
  const Candidate& next = (*candidates)[1];
  EXPECT_EQ(next.job, first.id);
  EXPECT_EQ(next.shard, first.id + ".p1");
  EXPECT_EQ(next.model, "gpt2");
  EXPECT_EQ(next.leased_shards, 1);
  EXPECT_EQ(next.waited, absl::Seconds(2));
}

TEST_P(JobStoreContract, ManyJobsOfOneKindHideNoOther) {
  const SessionRef session = OpenSession("w");
  const Job prepared = SubmitSamples(2 * kShardSamples);
  Prepare(session, prepared.id);
  ClaimOf(session, prepared.id);
  NewJob job = JobOn(Dataset(1));
  job.spec.priority = 5;
  for (int i = 0; i < 100; ++i) Submit(job);
  job.spec.priority = 6;
  const Job urgent = Submit(job);
  job.spec.priority = -100;
  job.spec.model = "another";
  const Job other = Submit(job);
  const auto candidates = store().Candidates();
  ASSERT_THAT(candidates, IsOk());
  std::set<std::string> jobs;
  for (const Candidate& candidate : *candidates) jobs.insert(candidate.job);
  EXPECT_TRUE(jobs.contains(prepared.id)) << "another phase";
  EXPECT_TRUE(jobs.contains(urgent.id)) << "a higher priority";
  EXPECT_TRUE(jobs.contains(other.id)) << "another model";
}

TEST_P(JobStoreContract, PreparationPinsTheModelAndPlansScoring) {
  const Job job = SubmitSamples(2 * kShardSamples);
  const SessionRef session = OpenSession("w");
  const auto effect = CompletePrepare(session, ClaimOf(session, job.id));
  ASSERT_THAT(effect, IsOk());
  EXPECT_TRUE(effect->work_available);
  const Job prepared = Get(job.id);
  EXPECT_TRUE(prepared.prepared);
  EXPECT_EQ(prepared.spec.model_digest, Digest('m'));
  EXPECT_EQ(prepared.spec.batch_tokens, kDefaultBatchTokens);
  EXPECT_EQ(prepared.counts.samples_total, 2 * kShardSamples);
  EXPECT_EQ(prepared.counts.tokens_total, 20 * kShardSamples);
  const Lease score = ClaimOf(session, job.id);
  EXPECT_EQ(score.shard.phase, Phase::kScore);
  EXPECT_EQ(score.shard.tokens, 10 * score.shard.samples.size());
  EXPECT_EQ(score.shard.batch_tokens, kDefaultBatchTokens);
  EXPECT_EQ(score.shard.samples.front(), 0);
}

TEST_P(JobStoreContract, ScoreShardsCoverTheSamplesInDatasetOrder) {
  const Job job = SubmitSamples(kPrepareShardSamples + 700);
  const SessionRef session = OpenSession("w");
  Finish(session, job.id);
  const auto results = store().ResultShards(job.id);
  ASSERT_THAT(results, IsOk());
  std::vector<std::uint32_t> samples;
  for (const ResultShard& shard : *results) {
    EXPECT_EQ(shard.blob, BlobName('a'));
    samples.insert(samples.end(), shard.samples.begin(), shard.samples.end());
  }
  std::vector<std::uint32_t> all(kPrepareShardSamples + 700);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(samples, all);
}

TEST_P(JobStoreContract, AJobSucceedsWithItsLastShard) {
  // Of 10 tokens each: a shard and a half.
  const Job job = SubmitSamples(3 * kMinShardTokens / 20);
  const SessionRef session = OpenSession("w");
  Prepare(session, job.id);
  const Lease first = ClaimOf(session, job.id);
  const Lease second = ClaimOf(session, job.id);
  ASSERT_THAT(store().CompleteScore(KeyOf(session, second), Announced(store(), BlobName('b')), kDefaultBatchTokens / 2, 70), IsOk());
  EXPECT_EQ(Get(job.id).state, JobState::kRunning);
  EXPECT_EQ(Get(job.id).counts.samples_done, second.shard.samples.size());
  EXPECT_THAT(store().ResultShards(job.id), IsError(StatusCode::kFailedPrecondition, "JOB_NOT_SUCCEEDED"));
  clock().Advance(absl::Seconds(9));
  ASSERT_THAT(store().CompleteScore(KeyOf(session, first), Announced(store(), BlobName('a')), kDefaultBatchTokens, 30), IsOk());
  const Job done = Get(job.id);
  EXPECT_EQ(done.state, JobState::kSucceeded);
  EXPECT_EQ(done.end_time, clock().Now());
  EXPECT_EQ(done.counts.samples_done, done.counts.samples_total);
  EXPECT_EQ(done.counts.tokens_done, done.counts.tokens_total);
  EXPECT_EQ(done.counts.response_tokens, 100);
  EXPECT_EQ(done.counts.halved_shards, 1);
  EXPECT_EQ(store().ResultShards(job.id)->at(1).blob, BlobName('b'));
}

TEST_P(JobStoreContract, RepeatingAnAcceptedCompletionIsOkAndCountsOnce) {
  const Job job = SubmitSamples(5);
  const SessionRef session = OpenSession("w");
  const Lease prepare = ClaimOf(session, job.id);
  ASSERT_THAT(CompletePrepare(session, prepare), IsOk());
  EXPECT_THAT(CompletePrepare(session, prepare), IsOk());
  const Lease score = ClaimOf(session, job.id);
  ASSERT_THAT(CompleteScore(session, score), IsOk());
  Restart();
  EXPECT_EQ(store().CheckLease(KeyOf(session, score))->shard.state, ShardState::kDone);
  const auto again = CompleteScore(session, score);
  ASSERT_THAT(again, IsOk());
  EXPECT_THAT(again->changed_jobs, IsEmpty());
  EXPECT_THAT(CompleteScore(session, score, 'b'), kStaleLease);
  EXPECT_EQ(Get(job.id).counts.samples_done, 5);
}

TEST_P(JobStoreContract, AFormerHolderIsShutOut) {
  const Job job = SubmitSamples(5);
  const SessionRef slow = OpenSession("slow");
  const Lease stale = ClaimOf(slow, job.id);
  clock().Advance(kSessionTtl);
  ASSERT_THAT(store().Reap(), IsOk());
  const SessionRef again = OpenSession("slow");
  const Lease current = ClaimOf(again, job.id);
  EXPECT_GT(current.shard.fence, stale.shard.fence);
  const LeaseKey old_fence{again, stale.shard.id, stale.shard.fence};
  EXPECT_THAT(CompletePrepare(slow, stale), IsError(StatusCode::kAborted, "STALE_SESSION"));
  EXPECT_THAT(store().CompletePrepare(old_fence, Digest('m'), {}, {}), kStaleLease);
  EXPECT_THAT(store().Fail(old_fence, {}), kStaleLease);
  EXPECT_THAT(store().Release(old_fence), kStaleLease);
  EXPECT_THAT(store().CheckLease(old_fence), kStaleLease);
  EXPECT_THAT(store().CheckLease({OpenSession("other"), current.shard.id, current.shard.fence}), kStaleLease);
  EXPECT_THAT(store().CheckLease(KeyOf(again, current)), IsOk());
}

TEST_P(JobStoreContract, AFailedShardIsTriedAgainAfterABackOff) {
  const Job job = SubmitSamples(5);
  const SessionRef session = OpenSession("w");
  const auto effect = store().Fail(KeyOf(session, ClaimOf(session, job.id)), {{"INTERNAL", "why"}, true, std::nullopt});
  ASSERT_THAT(effect, IsOk());
  EXPECT_THAT(*store().Candidates(), IsEmpty());
  EXPECT_EQ(*store().Claim(session, job.id + ".p0"), std::nullopt);
  const std::optional<absl::Time> next = *store().NextRunAfter();
  ASSERT_TRUE(next.has_value());
  EXPECT_GE(*next, clock().Now() + absl::Milliseconds(500));
  clock().Advance(*next - clock().Now());
  EXPECT_EQ(*store().NextRunAfter(), std::nullopt);
  EXPECT_EQ(ClaimOf(session, job.id).shard.fence, 2);
  const std::vector<Attempt> attempts = *store().ListAttempts(job.id, 0);
  EXPECT_EQ(attempts[0].outcome, Outcome::kFailed);
  EXPECT_EQ(attempts[0].message, "INTERNAL: why");
  EXPECT_EQ(attempts[1].outcome, Outcome::kRunning);
}

TEST_P(JobStoreContract, AClockThatIsSetBackHoldsNoShardBack) {
  const Job fresh = SubmitSamples(5);
  const Job released = SubmitSamples(5);
  const Job lost = SubmitSamples(5);
  const Job failed = SubmitSamples(5);
  const SessionRef session = OpenSession("w");
  ASSERT_THAT(store().Release(KeyOf(session, ClaimOf(session, released.id))), IsOk());
  ASSERT_THAT(store().Fail(KeyOf(session, ClaimOf(session, failed.id)), {{"INTERNAL", "why"}, true, std::nullopt}),
              IsOk());
  ClaimOf(OpenSession("dead"), lost.id);
  ASSERT_THAT(store().LoseWorker("dead"), IsOk());
  clock().Advance(-absl::Hours(24));
  EXPECT_EQ(*store().NextRunAfter(), std::nullopt);
  for (const Job& job : {fresh, released, lost, failed}) ClaimOf(session, job.id);
}

TEST_P(JobStoreContract, AShardThatKeepsFailingFailsTheJob) {
  NewJob spec = JobOn(Dataset(5));
  spec.spec.max_attempts = 2;
  const Job job = Submit(spec);
  const SessionRef session = OpenSession("w");
  for (int attempt = 0; attempt < 2; ++attempt) {
    ASSERT_THAT(store().Fail(KeyOf(session, ClaimOf(session, job.id)), {{"INTERNAL", "why"}, true, std::nullopt}),
                IsOk());
    clock().Advance(absl::Minutes(2));
    ASSERT_THAT(store().Heartbeat(session, {}), IsOk());
  }
  EXPECT_EQ(Get(job.id).state, JobState::kFailed);
  EXPECT_EQ(Get(job.id).failure->reason, "MAX_ATTEMPTS_EXCEEDED");
  EXPECT_THAT(Get(job.id).failure->message, HasSubstr("INTERNAL: why"));
}

TEST_P(JobStoreContract, AFailureForGoodEndsTheJobAndItsOtherLeases) {
  const Job job = SubmitSamples(3 * kPrepareShardSamples);
  const SessionRef session = OpenSession("w");
  const Lease bad = ClaimOf(session, job.id);
  const Lease other = ClaimOf(session, job.id);
  ASSERT_THAT(store().Fail(KeyOf(session, bad), {{"MODEL_UNSUPPORTED", "why"}, false, std::nullopt}), IsOk());
  EXPECT_EQ(Get(job.id).state, JobState::kFailed);
  EXPECT_EQ(Get(job.id).failure->reason, "MODEL_UNSUPPORTED");
  EXPECT_THAT(CompletePrepare(session, other), kStaleLease);
  EXPECT_THAT(store().Heartbeat(session, Held({other}))->abandon, Held({other}));
  EXPECT_THAT(*store().Candidates(), IsEmpty());
}

TEST_P(JobStoreContract, AShardThatRanOutOfMemoryComesBackWithTheSmallerBudget) {
  const Job job = SubmitSamples(5);
  const SessionRef session = OpenSession("w");
  Prepare(session, job.id);
  ASSERT_THAT(store().Fail(KeyOf(session, ClaimOf(session, job.id)), {{"OUT_OF_MEMORY", "why"}, true, 512}), IsOk());
  clock().Advance(absl::Seconds(2));
  EXPECT_EQ(ClaimOf(session, job.id).shard.batch_tokens, 512);
  EXPECT_EQ(Get(job.id).spec.batch_tokens, kDefaultBatchTokens);
}

TEST_P(JobStoreContract, AReleasedShardIsNotCountedAsAnAttempt) {
  const Job job = SubmitSamples(5);
  const SessionRef session = OpenSession("w");
  for (std::uint32_t i = 0; i < 2 * kDefaultMaxAttempts; ++i) {
    const auto effect = store().Release(KeyOf(session, ClaimOf(session, job.id)));
    ASSERT_THAT(effect, IsOk());
    EXPECT_TRUE(effect->work_available);
  }
  EXPECT_EQ(ClaimOf(session, job.id).shard.attempts, 0);
}

TEST_P(JobStoreContract, ResultsOfAnotherContentAreNotTakenAndGoElsewhere) {
  const Job job = SubmitSamples(2 * kPrepareShardSamples);
  const SessionRef session = OpenSession("w");
  ASSERT_THAT(CompletePrepare(session, ClaimOf(session, job.id), 'm'), IsOk());
  EXPECT_EQ(store().Candidates()->front().model_digest, Digest('m'));
  const auto effect = CompletePrepare(session, ClaimOf(session, job.id), 'n');
  ASSERT_THAT(effect, IsOk());
  EXPECT_TRUE(effect->work_available);
  EXPECT_EQ(Get(job.id).state, JobState::kPreparing);
  EXPECT_EQ(Get(job.id).spec.model_digest, Digest('m')) << "the first pin stands";
  EXPECT_THAT(store().ListAttempts(job.id, 0)->back().message, testing::HasSubstr("MODEL_CHANGED"));
  const Lease again = ClaimOf(session, job.id);
  EXPECT_EQ(again.shard.attempts, 0);
  ASSERT_THAT(CompletePrepare(session, again, 'm'), IsOk());
  EXPECT_TRUE(Get(job.id).prepared);
}

TEST_P(JobStoreContract, AClientsDigestIsCheckedByPreparation) {
  NewJob spec = JobOn(Dataset(5));
  spec.spec.model_digest = Digest('x');
  const Job job = Submit(spec);
  const SessionRef session = OpenSession("w");
  ASSERT_THAT(CompletePrepare(session, ClaimOf(session, job.id), 'm'), IsOk());
  EXPECT_FALSE(Get(job.id).prepared);
  ASSERT_THAT(CompletePrepare(session, ClaimOf(session, job.id), 'x'), IsOk());
  EXPECT_TRUE(Get(job.id).prepared);
}

TEST_P(JobStoreContract, InvalidSamplesFailTheJobBeforeAnythingIsScored) {
  const Job job = SubmitSamples(3);
  const SessionRef session = OpenSession("w");
  ASSERT_THAT(store().CompletePrepare(KeyOf(session, ClaimOf(session, job.id)), Digest('m'), {{0, 5, 2}, {2, 5, 2}},
                                      {{1, "row 2", "TOO_LONG", "70 tokens, the model has 64 positions"}}),
              IsOk());
  EXPECT_EQ(Get(job.id).state, JobState::kFailed);
  EXPECT_EQ(Get(job.id).failure->reason, "INVALID_SAMPLES");
  EXPECT_THAT(Get(job.id).failure->message, HasSubstr("1 of 3 samples"));
  EXPECT_THAT(Get(job.id).failure->message, HasSubstr("'row 2': 70 tokens"));
  EXPECT_EQ(store().ListInvalidSamples(job.id, {})->items.size(), 1);
}

TEST_P(JobStoreContract, InvalidSamplesAreSkippedWhereThatIsAskedFor) {
  NewJob spec = JobOn(Dataset(3));
  spec.spec.compute.on_invalid = OnInvalid::kSkip;
  const Job some = Submit(spec);
  const Job none = Submit(spec);
  const SessionRef session = OpenSession("w");
  const InvalidSample bad{1, "row 2", "TOO_LONG", ""};
  ASSERT_THAT(
      store().CompletePrepare(KeyOf(session, ClaimOf(session, some.id)), Digest('m'), {{2, 7, 2}, {0, 2000, 2}}, {bad}),
      IsOk());
  const Lease long_one = ClaimOf(session, some.id);
  EXPECT_THAT(long_one.shard.samples, ElementsAre(0));
  EXPECT_EQ(long_one.shard.tokens, 2000);
  EXPECT_EQ(long_one.shard.batch_tokens, kDefaultBatchTokens) << "a longer sample is a batch of its own";
  const Lease rest = ClaimOf(session, some.id);
  EXPECT_THAT(rest.shard.samples, ElementsAre(2));
  EXPECT_EQ(rest.shard.tokens, 7);
  EXPECT_EQ(Get(some.id).counts.samples_total, 2);
  EXPECT_EQ(Get(some.id).counts.invalid_samples, 1);
  ASSERT_THAT(store().CompletePrepare(KeyOf(session, ClaimOf(session, none.id)), Digest('m'), {},
                                      {{0, "a", "TOO_LONG", ""}, bad, {2, "c", "TOO_LONG", ""}}),
              IsOk());
  EXPECT_EQ(Get(none.id).failure->reason, "INVALID_SAMPLES");
}

// Two samples of 100,000 tokens fit into one shard; with what their tokens may take they do not.
TEST_P(JobStoreContract, ShardsOfAJobThatRecordsTokensAreCutByWhatTheseMayTake) {
  const SessionRef session = OpenSession("w");
  for (const bool record_tokens : {false, true}) {
    NewJob asked = JobOn(Dataset(record_tokens ? 3 : 2));
    asked.spec.batch_tokens = kMaxBatchTokens;
    asked.spec.compute.record_tokens = record_tokens;
    const Job job = Submit(asked);
    const Lease prepare = ClaimOf(session, job.id);
    std::vector<PreparedSample> valid;
    for (const std::uint32_t sample : prepare.shard.samples) valid.push_back({sample, 100'000, 2});
    ASSERT_THAT(store().CompletePrepare(KeyOf(session, prepare), Digest('m'), valid, {}), IsOk());
    const Lease score = ClaimOf(session, job.id);
    EXPECT_EQ(score.shard.samples.size(), record_tokens ? 1 : 2);
    EXPECT_EQ(score.spec.compute.record_tokens, record_tokens);
  }
}

TEST_P(JobStoreContract, ResultsThatDoNotFitTheShardAreRefusedAndTheLeaseStays) {
  const Job job = SubmitSamples(2);
  const SessionRef session = OpenSession("w");
  const LeaseKey lease = KeyOf(session, ClaimOf(session, job.id));
  const auto refused = IsError(StatusCode::kInvalidArgument, "");
  EXPECT_THAT(store().CompletePrepare(lease, Digest('m'), {{0, 5, 2}}, {}), refused);
  EXPECT_THAT(store().CompletePrepare(lease, Digest('m'), {{0, 5, 2}, {0, 5, 2}}, {}), refused);
  EXPECT_THAT(store().CompletePrepare(lease, Digest('m'), {{0, 5, 2}, {2, 5, 2}}, {}), refused);
  EXPECT_THAT(store().CompletePrepare(lease, Digest('m'), {{0, 5, 5}, {1, 5, 2}}, {}), refused);
  EXPECT_THAT(store().CompletePrepare(lease, "short", {{0, 5, 2}, {1, 5, 2}}, {}), refused);
  EXPECT_THAT(store().CompleteScore(lease, BlobName('a'), 1024, 3), refused);
  EXPECT_THAT(store().CompletePrepare(lease, Digest('m'), {{0, 5, 2}, {1, 5, 2}}, {}), IsOk());
  const LeaseKey score = KeyOf(session, ClaimOf(session, job.id));
  EXPECT_THAT(store().CompleteScore(score, "not a digest", 1024, 3), refused);
}

}  // namespace
}  // namespace headscope::server
