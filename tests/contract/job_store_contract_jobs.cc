// Jobs: submitting, reading, cancelling, expiring, deleting.
#include <gmock/gmock.h>

#include "tests/contract/job_store_contract.h"
#include "tests/fakes/stored_blobs.h"

namespace headscope::server {
namespace {

using absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_P(JobStoreContract, SubmittedJobIsReadBackWholeAfterARestart) {
  NewJob job = JobOn(Dataset(5));
  job.spec.model_digest = Digest('m');
  job.spec.compute.dtype = DType::kFloat64;
  job.spec.compute.append_eos = false;
  job.spec.compute.max_tokens = 33;
  job.spec.compute.on_invalid = OnInvalid::kSkip;
  job.spec.compute.record_tokens = true;
  job.spec.reduction.loss_scale = LossScale::kBatchTokenMean;
  job.spec.reduction.script_batch = 9;
  job.spec.reduction.head_axis = HeadAxis::kKvGroup;
  job.spec.priority = -7;
  job.spec.batch_tokens = 2048;
  job.spec.queue_ttl = absl::Minutes(90);
  job.spec.max_attempts = 3;
  job.spec.labels = {{"task", "gsm8k"}, {"owner", "é"}};
  const Job submitted = Submit(job);
  Restart();
  const Job read = Get(submitted.id);
  EXPECT_EQ(read.number, submitted.number);
  EXPECT_EQ(read.state, JobState::kQueued);
  EXPECT_EQ(read.spec.model, "gpt2");
  EXPECT_EQ(read.spec.model_digest, Digest('m'));
  EXPECT_EQ(read.spec.compute, job.spec.compute);
  EXPECT_EQ(read.spec.reduction, job.spec.reduction);
  EXPECT_EQ(read.spec.priority, -7);
  EXPECT_EQ(read.spec.batch_tokens, 2048);
  EXPECT_EQ(read.spec.queue_ttl, absl::Minutes(90));
  EXPECT_EQ(read.spec.max_attempts, 3);
  EXPECT_EQ(read.spec.labels, job.spec.labels);
  EXPECT_EQ(read.create_time, clock().Now());
  EXPECT_EQ(read.counts.samples_total, 5);
  EXPECT_FALSE(read.prepared);
}

TEST_P(JobStoreContract, SubmitTellsThatThereIsWork) {
  const auto outcome = store().Submit(JobOn(Dataset(5)));
  ASSERT_THAT(outcome, IsOk());
  EXPECT_TRUE(outcome->created);
  EXPECT_TRUE(outcome->effect.work_available);
  EXPECT_THAT(outcome->effect.changed_jobs, ElementsAre(outcome->job.id));
}

TEST_P(JobStoreContract, SameRequestIdAndRequestGiveTheSameJob) {
  NewJob job = JobOn(Dataset(5));
  job.request_id = "once";
  job.request_hash = "hash";
  const Job first = Submit(job);
  Restart();
  const auto again = store().Submit(job);
  ASSERT_THAT(again, IsOk());
  EXPECT_FALSE(again->created);
  EXPECT_EQ(again->job.id, first.id);
  EXPECT_THAT(again->effect.changed_jobs, IsEmpty());
}

TEST_P(JobStoreContract, ARequestIsLookedUpWithoutSubmittingIt) {
  NewJob job = JobOn(Dataset(5));
  job.request_hash = "hash";
  EXPECT_EQ(store().FindSubmitted(job)->has_value(), false);
  job.request_id = "once";
  EXPECT_EQ(store().FindSubmitted(job)->has_value(), false);
  const Job first = Submit(job);
  const auto found = store().FindSubmitted(job);
  ASSERT_THAT(found, IsOk());
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->id, first.id);
  job.request_hash = "another";
  EXPECT_THAT(store().FindSubmitted(job), IsError(StatusCode::kAlreadyExists, "REQUEST_ID_REUSED"));
}

TEST_P(JobStoreContract, SameRequestIdWithAnotherRequestIsRefused) {
  NewJob job = JobOn(Dataset(5));
  job.request_id = "once";
  job.request_hash = "hash";
  Submit(job);
  job.request_hash = "another";
  EXPECT_THAT(store().Submit(job), IsError(StatusCode::kAlreadyExists, "REQUEST_ID_REUSED"));
}

TEST_P(JobStoreContract, UnknownNamesAreNotFound) {
  EXPECT_THAT(store().Submit(JobOn(BlobName('0'))), IsError(StatusCode::kNotFound, "DATASET_NOT_FOUND"));
  EXPECT_THAT(store().GetDataset(BlobName('0')), IsError(StatusCode::kNotFound, "DATASET_NOT_FOUND"));
  EXPECT_THAT(store().DeleteDataset(BlobName('0')), IsError(StatusCode::kNotFound, "DATASET_NOT_FOUND"));
  EXPECT_THAT(store().GetJob("j-none"), IsError(StatusCode::kNotFound, "JOB_NOT_FOUND"));
  EXPECT_THAT(store().Cancel("j-none"), IsError(StatusCode::kNotFound, "JOB_NOT_FOUND"));
  EXPECT_THAT(store().DeleteJob("j-none"), IsError(StatusCode::kNotFound, "JOB_NOT_FOUND"));
  EXPECT_THAT(store().ResultShards("j-none"), IsError(StatusCode::kNotFound, "JOB_NOT_FOUND"));
  EXPECT_THAT(store().ListAttempts("j-none", 0), IsError(StatusCode::kNotFound, "JOB_NOT_FOUND"));
  EXPECT_THAT(store().ListInvalidSamples("j-none", {}), IsError(StatusCode::kNotFound, "JOB_NOT_FOUND"));
}

TEST_P(JobStoreContract, AnEmptyDatasetMakesNoJob) {
  EXPECT_THAT(store().Submit(JobOn(Dataset(0))), IsError(StatusCode::kInvalidArgument, ""));
}

TEST_P(JobStoreContract, CancellingAQueuedJobEndsItAtOnce) {
  const Job job = SubmitSamples(5);
  const auto effect = store().Cancel(job.id);
  ASSERT_THAT(effect, IsOk());
  EXPECT_THAT(effect->changed_jobs, ElementsAre(job.id));
  EXPECT_EQ(Get(job.id).state, JobState::kCancelled);
  EXPECT_EQ(Get(job.id).end_time, clock().Now());
  EXPECT_THAT(*store().Candidates(), IsEmpty());
}

TEST_P(JobStoreContract, CancellingAgainOrAfterTheEndChangesNothing) {
  const Job job = SubmitSamples(5);
  ASSERT_THAT(store().Cancel(job.id), IsOk());
  clock().Advance(absl::Seconds(5));
  const auto effect = store().Cancel(job.id);
  ASSERT_THAT(effect, IsOk());
  EXPECT_THAT(effect->changed_jobs, IsEmpty());
  EXPECT_EQ(Get(job.id).end_time, clock().Now() - absl::Seconds(5));
}

TEST_P(JobStoreContract, ARunningJobIsCancelledWithItsLastLease) {
  const Job job = SubmitSamples(2 * kPrepareShardSamples);
  const SessionRef session = OpenSession("w");
  const Lease first = ClaimOf(session, job.id);
  const Lease second = ClaimOf(session, job.id);
  ASSERT_THAT(store().Cancel(job.id), IsOk());
  EXPECT_EQ(Get(job.id).state, JobState::kPreparing);
  EXPECT_TRUE(Get(job.id).cancel_requested);
  EXPECT_THAT(store().Heartbeat(session, Held({first, second}))->abandon, Held({first, second}));
  ASSERT_THAT(store().Release(KeyOf(session, first)), IsOk());
  EXPECT_EQ(Get(job.id).state, JobState::kPreparing);
  const auto effect = store().Fail(KeyOf(session, second), {{"INTERNAL", "stopped"}, false, std::nullopt});
  ASSERT_THAT(effect, IsOk());
  EXPECT_THAT(effect->changed_jobs, ElementsAre(job.id));
  EXPECT_EQ(Get(job.id).state, JobState::kCancelled);
  EXPECT_FALSE(Get(job.id).failure.has_value());
}

TEST_P(JobStoreContract, ResultsOfAJobBeingCancelledAreAcceptedAndIgnored) {
  const Job job = SubmitSamples(5);
  const SessionRef session = OpenSession("w");
  const Lease lease = ClaimOf(session, job.id);
  ASSERT_THAT(store().Cancel(job.id), IsOk());
  EXPECT_THAT(CompletePrepare(session, lease), IsOk());
  EXPECT_EQ(Get(job.id).state, JobState::kCancelled);
  EXPECT_FALSE(Get(job.id).prepared);
}

TEST_P(JobStoreContract, AJobBeingCancelledEndsWhenItsWorkerNoLongerNamesTheLease) {
  const Job job = SubmitSamples(5);
  const SessionRef session = OpenSession("w");
  const Lease lease = ClaimOf(session, job.id);
  ASSERT_THAT(store().Cancel(job.id), IsOk());
  ASSERT_THAT(store().Heartbeat(session, Held({lease})), IsOk());
  EXPECT_EQ(Get(job.id).state, JobState::kPreparing);
  const auto answer = store().Heartbeat(session, {});
  ASSERT_THAT(answer, IsOk());
  EXPECT_THAT(answer->effect.changed_jobs, ElementsAre(job.id));
  EXPECT_EQ(Get(job.id).state, JobState::kCancelled);
}

TEST_P(JobStoreContract, AJobBeingCancelledEndsWithItsWorker) {
  const Job job = SubmitSamples(5);
  ClaimOf(OpenSession("w"), job.id);
  ASSERT_THAT(store().Cancel(job.id), IsOk());
  ASSERT_THAT(store().LoseWorker("w"), IsOk());
  EXPECT_EQ(Get(job.id).state, JobState::kCancelled);
}

TEST_P(JobStoreContract, AJobThatNothingScoresExpiresPreparedOrNot) {
  NewJob job = JobOn(Dataset(5));
  job.spec.queue_ttl = absl::Minutes(1);
  const Job waiting = Submit(job), preparing = Submit(job), prepared = Submit(job), started = Submit(job);
  const SessionRef session = OpenSession("w");
  const Lease lease = ClaimOf(session, preparing.id);
  Prepare(session, prepared.id);
  Prepare(session, started.id);
  ClaimOf(session, started.id);
  clock().Advance(absl::Seconds(59));
  ASSERT_THAT(store().Heartbeat(session, Held({lease})), IsOk());
  EXPECT_THAT(store().Reap()->changed_jobs, IsEmpty());
  clock().Advance(absl::Seconds(1));
  EXPECT_THAT(store().Reap()->changed_jobs, testing::UnorderedElementsAre(waiting.id, preparing.id, prepared.id));
  for (const Job& expired : {waiting, preparing, prepared}) EXPECT_EQ(Get(expired.id).state, JobState::kExpired);
  EXPECT_EQ(Get(started.id).state, JobState::kRunning);
  EXPECT_THAT(CompletePrepare(session, lease), IsError(StatusCode::kAborted, "STALE_LEASE"));
}

TEST_P(JobStoreContract, AClockThatIsSetExpiresNothing) {
  NewJob job = JobOn(Dataset(5));
  job.spec.queue_ttl = absl::Minutes(1);
  const Job waiting = Submit(job);
  clock().Advance(absl::Seconds(40));
  clock().Advance(absl::Hours(24));
  ASSERT_THAT(store().MoveQueueTimes(absl::Hours(24)), IsOk());
  EXPECT_THAT(store().Reap()->changed_jobs, IsEmpty());
  EXPECT_EQ(store().Stats()->oldest_age.at("gpt2"), absl::Seconds(40));
  clock().Advance(absl::Seconds(20));
  EXPECT_THAT(store().Reap()->changed_jobs, ElementsAre(waiting.id));
}

TEST_P(JobStoreContract, OnlyJobsThatHaveEndedAreDeleted) {
  const Job job = SubmitSamples(5);
  EXPECT_THAT(store().DeleteJob(job.id), IsError(StatusCode::kFailedPrecondition, "JOB_NOT_ENDED"));
  ASSERT_THAT(store().Cancel(job.id), IsOk());
  EXPECT_THAT(store().DeleteJob(job.id), IsOk());
  EXPECT_THAT(store().GetJob(job.id), IsError(StatusCode::kNotFound, "JOB_NOT_FOUND"));
}

TEST_P(JobStoreContract, DeletingAJobFreesTheBlobsThatNoOtherJobHas) {
  const SessionRef session = OpenSession("w");
  const Job first = SubmitSamples(5);
  const Job second = SubmitSamples(5);
  Finish(session, first.id, 'a');
  Finish(session, second.id, 'a');
  EXPECT_TRUE(IsLive(store(), BlobName('a')));
  EXPECT_THAT(store().DeleteJob(first.id), IsOk());
  EXPECT_TRUE(IsLive(store(), BlobName('a'))) << "the other job has it";
  EXPECT_THAT(*store().TakeUnusedBlobs(10), IsEmpty());
  EXPECT_THAT(store().DeleteJob(second.id), IsOk());
  EXPECT_THAT(*store().TakeUnusedBlobs(10), ElementsAre(BlobName('a')));
  EXPECT_FALSE(IsLive(store(), BlobName('a')));
}

TEST_P(JobStoreContract, DatasetsStayWhileJobsNameThem) {
  const std::string dataset = Dataset(5);
  const Job job = Submit(JobOn(dataset));
  ASSERT_THAT(store().Cancel(job.id), IsOk());
  EXPECT_TRUE(IsLive(store(), dataset));
  const absl::Status refused = store().DeleteDataset(dataset);
  EXPECT_THAT(refused, IsError(StatusCode::kFailedPrecondition, "DATASET_IN_USE"));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("is used by 1 job; delete that first"));
  const Job second = Submit(JobOn(dataset));
  ASSERT_THAT(store().Cancel(second.id), IsOk());
  EXPECT_THAT(std::string(store().DeleteDataset(dataset).message()), HasSubstr("is used by 2 jobs; delete them first"));
  ASSERT_THAT(store().DeleteJob(second.id), IsOk());
  ASSERT_THAT(store().DeleteJob(job.id), IsOk());
  EXPECT_THAT(store().DeleteDataset(dataset), IsOk());
  EXPECT_FALSE(IsLive(store(), dataset));
}

TEST_P(JobStoreContract, TheFirstRecordOfADatasetStays) {
  DatasetRecord record{Dataset(5), 5, 500, "another name", clock().Now(), 0};
  const auto stored = (Announced(store(), record.digest), store().PutDataset(record));
  ASSERT_THAT(stored, IsOk());
  EXPECT_EQ(stored->display_name, "dataset 1");
}

TEST_P(JobStoreContract, AFullQueueTakesNoMoreJobsUntilOneIsScored) {
  StoreOptions options;
  options.max_queued_jobs = 40;
  Restart(options);
  const NewJob job = JobOn(Dataset(1));
  for (std::uint64_t i = 0; i < options.max_queued_jobs; ++i) ASSERT_THAT(store().Submit(job), IsOk());
  const auto full = IsError(StatusCode::kResourceExhausted, "QUEUE_FULL");
  const auto refused = store().Submit(job);
  EXPECT_THAT(refused, full);
  EXPECT_TRUE(DetailsOf(refused.status()).retry_after.has_value());
  EXPECT_EQ(store().Candidates()->size(), 32) << "enough to choose from, however many wait";
  const SessionRef session = OpenSession("w");
  const std::string first = store().Candidates()->front().job;
  ClaimOf(session, first);
  EXPECT_THAT(store().Submit(job), full) << "it is prepared, and still waits";
  const std::string second = store().Candidates()->front().job;
  Prepare(session, second);
  EXPECT_THAT(store().Submit(job), full);
  EXPECT_EQ(store().Stats()->queued_jobs, options.max_queued_jobs);
  ClaimOf(session, second);
  EXPECT_EQ(store().Stats()->queued_jobs, options.max_queued_jobs - 1);
  EXPECT_THAT(store().Submit(job), IsOk());
}

}  // namespace
}  // namespace headscope::server
