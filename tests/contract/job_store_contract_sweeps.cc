// Sweeps: many jobs made, shown, cancelled, retried and deleted together.
#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "tests/contract/job_store_contract.h"

namespace headscope::server {
namespace {

using absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

NewSweep SweepOf(const std::vector<std::string>& models, const std::vector<std::string>& datasets) {
  NewSweep sweep;
  sweep.spec.models = models;
  for (const std::string& dataset : datasets) {
    sweep.spec.datasets.push_back({dataset, absl::StrCat("task ", sweep.spec.datasets.size())});
  }
  sweep.model_digests.resize(models.size());
  sweep.request_hash = "hash";
  return sweep;
}

std::vector<std::string> Models(std::uint64_t count) {
  std::vector<std::string> models;
  while (models.size() < count) models.push_back(absl::StrCat("model ", models.size()));
  return models;
}

Sweep Submitted(JobStore& store, const NewSweep& sweep) {
  const auto outcome = store.SubmitSweep(sweep);
  EXPECT_THAT(outcome, IsOk());
  return outcome.ok() ? outcome->sweep : Sweep();
}

std::vector<std::string> JobsOf(const Sweep& sweep) {
  std::vector<std::string> jobs;
  for (const std::optional<Job>& cell : sweep.cells) jobs.push_back(cell ? cell->id : "");
  return jobs;
}

std::vector<std::string> JobsOf(JobStore& store, const std::string& id) {
  const auto sweep = store.GetSweep(id);
  EXPECT_THAT(sweep, IsOk());
  return sweep.ok() ? JobsOf(*sweep) : std::vector<std::string>();
}

TEST_P(JobStoreContract, ASweepHasAJobForEveryModelOnEveryDataset) {
  const std::string copy = Dataset(3), sort = Dataset(5);
  NewSweep submitted = SweepOf({"base", "run/checkpoint-10"}, {copy, sort});
  submitted.model_digests[1] = Digest('c');
  submitted.spec.common.priority = 7;
  submitted.spec.common.batch_tokens = 64;
  submitted.spec.common.queue_ttl = absl::Hours(1);
  submitted.spec.common.compute.max_tokens = 9;
  submitted.spec.common.reduction.positions = Positions::kResponse;
  submitted.spec.common.labels = {{"run", "1"}};
  const auto outcome = store().SubmitSweep(submitted);
  ASSERT_THAT(outcome, IsOk());
  EXPECT_TRUE(outcome->created);
  EXPECT_TRUE(outcome->effect.work_available);
  EXPECT_EQ(outcome->sweep.id.substr(0, 2), "s-");
  EXPECT_EQ(outcome->effect.changed_jobs, JobsOf(outcome->sweep));
  Restart();
  const auto sweep = store().GetSweep(outcome->sweep.id);
  ASSERT_THAT(sweep, IsOk());
  EXPECT_THAT(sweep->spec.models, ElementsAre("base", "run/checkpoint-10"));
  EXPECT_EQ(sweep->spec.common.labels, submitted.spec.common.labels);
  EXPECT_EQ(sweep->create_time, clock().Now());
  ASSERT_THAT(sweep->cells, SizeIs(4));
  const JobSpec& second = sweep->cells[1]->spec;
  EXPECT_EQ(second.model, "base");
  EXPECT_EQ(second.dataset, sort);
  EXPECT_EQ(second.priority, 7);
  EXPECT_EQ(second.queue_ttl, absl::Hours(1));
  EXPECT_EQ(second.compute.max_tokens, 9u);
  EXPECT_EQ(second.reduction.positions, Positions::kResponse);
  const JobSpec& third = sweep->cells[2]->spec;
  EXPECT_EQ(third.model_digest, Digest('c'));
  EXPECT_EQ(third.dataset, copy);
  EXPECT_EQ(third.labels,
            (std::map<std::string, std::string>{
                {"run", "1"}, {"sweep", sweep->id}, {"task", "task 0"}, {"checkpoint", "run/checkpoint-10"}}));
  EXPECT_EQ(sweep->counts.total, 4u);
  EXPECT_EQ(sweep->counts.queued, 4u);
  EXPECT_EQ(sweep->counts.samples_total, 16u);
  EXPECT_THAT(store().ListJobs({{}, "", {{"sweep", sweep->id}}}, {})->items, SizeIs(4));
}

TEST_P(JobStoreContract, ARepeatedSweepIsTheSameSweep) {
  NewSweep submitted = SweepOf({"a", "b"}, {Dataset(1)});
  submitted.request_id = "once";
  const Sweep first = Submitted(store(), submitted);
  EXPECT_THAT(*store().FindSubmittedSweep(submitted), ::testing::Optional(::testing::Field(&Sweep::id, first.id)));
  const auto again = store().SubmitSweep(submitted);
  ASSERT_THAT(again, IsOk());
  EXPECT_FALSE(again->created);
  EXPECT_EQ(JobsOf(again->sweep), JobsOf(first));
  submitted.request_hash = "other";
  EXPECT_THAT(store().SubmitSweep(submitted), IsError(StatusCode::kAlreadyExists, "REQUEST_ID_REUSED"));
  submitted.request_id = "";
  EXPECT_FALSE(store().FindSubmittedSweep(submitted)->has_value());
  EXPECT_NE(Submitted(store(), submitted).id, first.id);
}

TEST_P(JobStoreContract, ASweepIsMadeWholeOrNotAtAll) {
  const std::string known = Dataset(1);
  EXPECT_THAT(store().SubmitSweep(SweepOf({"a"}, {known, BlobName('b')})),
              IsError(StatusCode::kNotFound, "DATASET_NOT_FOUND"));
  EXPECT_THAT(store().ListJobs({}, {})->items, IsEmpty());
  EXPECT_THAT(store().ListSweeps({}, {})->items, IsEmpty());
  // Room for fewer jobs than it has cells.
  for (std::uint64_t queued = 2; queued < kMaxQueuedJobs; queued += 1000) {
    Submitted(store(), SweepOf(Models(std::min<std::uint64_t>(1000, kMaxQueuedJobs - queued)), {known}));
  }
  const std::size_t sweeps = store().ListSweeps({}, {})->items.size();
  EXPECT_THAT(store().SubmitSweep(SweepOf({"a", "b", "c"}, {known})),
              IsError(StatusCode::kResourceExhausted, "QUEUE_FULL"));
  EXPECT_EQ(store().Stats()->queued_jobs, kMaxQueuedJobs - 2);
  EXPECT_THAT(store().ListSweeps({}, {})->items, SizeIs(sweeps));
  EXPECT_THAT(store().SubmitSweep(SweepOf({"a", "b"}, {known})), IsOk());
}

TEST_P(JobStoreContract, ASweepCountsItsCells) {
  const std::string dataset = Dataset(3);
  const Sweep sweep = Submitted(store(), SweepOf({"a", "b", "c", "d", "e"}, {dataset}));
  EXPECT_EQ(StateOf(sweep.counts), JobState::kQueued);
  const std::vector<std::string> jobs = JobsOf(sweep);
  const SessionRef session = OpenSession("worker");
  clock().Advance(absl::Seconds(1));
  const absl::Time start = clock().Now();
  Finish(session, jobs[0]);
  clock().Advance(absl::Seconds(1));
  ASSERT_THAT(store().Fail(KeyOf(session, ClaimOf(session, jobs[1])), {{"INTERNAL", "why"}, false, {}}), IsOk());
  ASSERT_THAT(store().Cancel(jobs[2]), IsOk());
  ASSERT_THAT(store().Cancel(jobs[3]), IsOk());
  ASSERT_THAT(store().DeleteJob(jobs[3]), IsOk());
  ClaimOf(session, jobs[4]);
  const auto seen = store().GetSweep(sweep.id);
  ASSERT_THAT(seen, IsOk());
  EXPECT_THAT(JobsOf(*seen), ElementsAre(jobs[0], jobs[1], jobs[2], "", jobs[4]));
  EXPECT_EQ(seen->cells[1]->failure->reason, "INTERNAL");
  const SweepCounts& counts = seen->counts;
  EXPECT_EQ(counts.total, 5u);
  EXPECT_EQ(counts.queued, 0u);
  EXPECT_EQ(counts.preparing, 1u);
  EXPECT_EQ(counts.running, 0u);
  EXPECT_EQ(counts.succeeded, 1u);
  EXPECT_EQ(counts.failed, 1u);
  EXPECT_EQ(counts.cancelled, 1u);
  EXPECT_EQ(counts.expired, 0u);
  EXPECT_EQ(counts.deleted, 1u);
  EXPECT_EQ(counts.samples_done, 3u);
  EXPECT_EQ(counts.samples_total, 12u);
  EXPECT_EQ(counts.tokens_done, 30u);
  EXPECT_EQ(counts.start_time, start);
  EXPECT_EQ(counts.end_time, clock().Now());
  EXPECT_EQ(StateOf(counts), JobState::kRunning);
  Finish(session, Submitted(store(), SweepOf({"f"}, {dataset})).cells[0]->id);
  const auto listed = store().ListSweeps({}, {});
  EXPECT_EQ(StateOf(listed->items.at(0).counts), JobState::kSucceeded);
  EXPECT_EQ(listed->items.at(1).counts.preparing, 1u);
}

TEST_P(JobStoreContract, ASweepIsWhatItWasThoughJobsOfItsCellsAreDeleted) {
  const std::string dataset = Dataset(3);
  const Sweep sweep = Submitted(store(), SweepOf({"a", "b", "c"}, {dataset}));
  const std::vector<std::string> jobs = JobsOf(sweep);
  const SessionRef session = OpenSession("worker");
  const auto counts = [&] { return store().GetSweep(sweep.id)->counts; };
  clock().Advance(absl::Seconds(1));
  Finish(session, jobs[0]);
  ASSERT_THAT(store().DeleteJob(jobs[0]), IsOk());
  EXPECT_EQ(StateOf(counts()), JobState::kRunning) << "a cell had started";
  clock().Advance(absl::Seconds(1));
  Finish(session, jobs[1]);
  clock().Advance(absl::Seconds(1));
  ASSERT_THAT(store().Fail(KeyOf(session, ClaimOf(session, jobs[2])), {{"INTERNAL", "why"}, false, {}}), IsOk());
  const SweepCounts ended = counts();
  EXPECT_EQ(StateOf(ended), JobState::kFailed);
  for (const std::string& job : {jobs[1], jobs[2]}) {
    ASSERT_THAT(store().DeleteJob(job), IsOk());
    EXPECT_EQ(StateOf(counts()), JobState::kFailed);
    EXPECT_EQ(counts().start_time, ended.start_time);
    EXPECT_EQ(counts().end_time, ended.end_time);
  }
  EXPECT_EQ(counts().deleted, 3u);
  // What a retry makes counts instead of what was deleted.
  const auto retried = store().RetrySweep(sweep.id, {"", "", ""});
  ASSERT_THAT(retried, IsOk());
  EXPECT_EQ(StateOf(counts()), JobState::kQueued);
  for (const std::string& job : retried->jobs) Finish(session, job);
  EXPECT_EQ(StateOf(counts()), JobState::kSucceeded);
  ASSERT_THAT(store().DeleteJob(retried->jobs[1]), IsOk());
  Restart();
  EXPECT_EQ(StateOf(counts()), JobState::kSucceeded);
  const Sweep cancelled = Submitted(store(), SweepOf({"a", "b"}, {dataset}));
  ASSERT_THAT(store().CancelSweep(cancelled.id), IsOk());
  ASSERT_THAT(store().DeleteJob(cancelled.cells[0]->id), IsOk());
  ASSERT_THAT(store().DeleteJob(cancelled.cells[1]->id), IsOk());
  EXPECT_EQ(StateOf(store().GetSweep(cancelled.id)->counts), JobState::kCancelled);
}

TEST_P(JobStoreContract, SweepsAreListedNewestFirstInPagesAndByLabels) {
  const std::string dataset = Dataset(1);
  NewSweep labelled = SweepOf({"a"}, {dataset});
  labelled.spec.common.labels = {{"run", "1"}};
  const std::string first = Submitted(store(), labelled).id;
  const std::string second = Submitted(store(), SweepOf({"a"}, {dataset})).id;
  const std::string third = Submitted(store(), labelled).id;
  const auto ids = [](const absl::StatusOr<Page<Sweep>>& page) {
    EXPECT_THAT(page, IsOk());
    std::vector<std::string> found;
    for (const Sweep& sweep : page->items) found.push_back(sweep.id);
    return found;
  };
  const auto page = store().ListSweeps({}, {2, ""});
  EXPECT_THAT(ids(page), ElementsAre(third, second));
  EXPECT_THAT(page->items[0].cells, IsEmpty());
  EXPECT_THAT(page->items[0].spec.models, ElementsAre("a"));
  const auto rest = store().ListSweeps({}, {2, page->next_token});
  EXPECT_THAT(ids(rest), ElementsAre(first));
  EXPECT_EQ(rest->next_token, "");
  EXPECT_THAT(ids(store().ListSweeps({{{"run", "1"}}}, {})), ElementsAre(third, first));
  EXPECT_THAT(store().ListSweeps({{{"run", "1"}}}, {2, page->next_token}),
              IsError(StatusCode::kInvalidArgument, "BAD_PAGE_TOKEN"));
}

TEST_P(JobStoreContract, CancellingASweepStopsWhatHasNotEnded) {
  const Sweep sweep = Submitted(store(), SweepOf({"a", "b", "c"}, {Dataset(3)}));
  const std::vector<std::string> jobs = JobsOf(sweep);
  const SessionRef session = OpenSession("worker");
  Finish(session, jobs[0]);
  const Lease lease = ClaimOf(session, jobs[1]);
  const auto effect = store().CancelSweep(sweep.id);
  ASSERT_THAT(effect, IsOk());
  EXPECT_THAT(effect->changed_jobs, UnorderedElementsAre(jobs[1], jobs[2]));
  EXPECT_EQ(Get(jobs[0]).state, JobState::kSucceeded);
  EXPECT_TRUE(Get(jobs[1]).cancel_requested);
  EXPECT_EQ(Get(jobs[2]).state, JobState::kCancelled);
  ASSERT_THAT(store().Release(KeyOf(session, lease)), IsOk());
  EXPECT_EQ(StateOf(store().GetSweep(sweep.id)->counts), JobState::kCancelled);
  EXPECT_THAT(store().CancelSweep(sweep.id)->changed_jobs, IsEmpty());
  EXPECT_THAT(store().CancelSweep("s-none"), IsError(StatusCode::kNotFound, "SWEEP_NOT_FOUND"));
}

TEST_P(JobStoreContract, ARetryLetsGoOnWhatDidNotSucceedAndMakesAnewWhatWasDeleted) {
  const Sweep sweep = Submitted(store(), SweepOf({"a", "b", "c", "d", "e"}, {Dataset(3)}));
  const std::vector<std::string> jobs = JobsOf(sweep);
  const SessionRef session = OpenSession("worker");
  Finish(session, jobs[0]);
  ASSERT_THAT(store().Fail(KeyOf(session, ClaimOf(session, jobs[1])), {{"INTERNAL", "why"}, false, {}}), IsOk());
  ASSERT_THAT(store().Cancel(jobs[2]), IsOk());
  ASSERT_THAT(store().DeleteJob(jobs[2]), IsOk());
  ClaimOf(session, jobs[3]);
  ASSERT_THAT(store().Cancel(jobs[3]), IsOk());
  const auto outcome = store().RetrySweep(sweep.id, {Digest('a'), Digest('b'), Digest('c'), Digest('d'), Digest('e')});
  ASSERT_THAT(outcome, IsOk());
  EXPECT_THAT(outcome->jobs, SizeIs(3));
  EXPECT_EQ(outcome->effect.changed_jobs, outcome->jobs);
  EXPECT_TRUE(outcome->effect.work_available);
  Restart();
  EXPECT_THAT(JobsOf(store(), sweep.id),
              ElementsAre(jobs[0], jobs[1], outcome->jobs[2], jobs[3], jobs[4]));
  EXPECT_THAT(outcome->jobs, ElementsAre(jobs[1], jobs[3], ::testing::_));
  EXPECT_EQ(Get(jobs[1]).state, JobState::kQueued);
  EXPECT_EQ(Get(jobs[1]).spec.model_digest, Digest('b')) << "pinned with the sweep's other cells";
  EXPECT_EQ(Get(jobs[3]).state, JobState::kQueued);
  EXPECT_FALSE(Get(jobs[3]).cancel_requested);
  const Job anew = Get(outcome->jobs[2]);
  EXPECT_EQ(anew.spec.model, "c");
  EXPECT_EQ(anew.spec.model_digest, Digest('c'));
  EXPECT_EQ(anew.spec.labels.at("task"), "task 0");
  EXPECT_EQ(anew.state, JobState::kQueued);
  // All cells have succeeded, or are under way.
  const auto again = store().RetrySweep(sweep.id, std::vector<std::string>(5));
  ASSERT_THAT(again, IsOk());
  EXPECT_THAT(again->jobs, IsEmpty());
  EXPECT_THAT(store().RetrySweep("s-none", {}), IsError(StatusCode::kNotFound, "SWEEP_NOT_FOUND"));
}

TEST_P(JobStoreContract, ARetryLeavesCellsAloneWhoseSamplesStayInvalid) {
  const Sweep sweep = Submitted(store(), SweepOf({"a", "b"}, {Dataset(1)}));
  const std::vector<std::string> jobs = JobsOf(sweep);
  const SessionRef session = OpenSession("worker");
  ASSERT_THAT(store().CompletePrepare(KeyOf(session, ClaimOf(session, jobs[0])), Digest('m'), {},
                                      {{0, "a", "TOO_LONG", "why"}}),
              IsOk());
  ASSERT_THAT(store().Cancel(jobs[1]), IsOk());
  EXPECT_THAT(store().RetrySweep(sweep.id, {"", ""})->jobs, ElementsAre(jobs[1]));
  EXPECT_EQ(Get(jobs[0]).failure->reason, "INVALID_SAMPLES");
  Finish(session, jobs[1]);
  EXPECT_EQ(StateOf(store().GetSweep(sweep.id)->counts), JobState::kFailed);
}

TEST_P(JobStoreContract, ARetryWithoutItsDatasetMakesNothing) {
  const std::string kept = Dataset(1), lost = Dataset(1);
  const Sweep sweep = Submitted(store(), SweepOf({"a"}, {kept, lost}));
  ASSERT_THAT(store().CancelSweep(sweep.id), IsOk());
  ASSERT_THAT(store().DeleteJob(sweep.cells[1]->id), IsOk());
  ASSERT_THAT(store().DeleteDataset(lost), IsOk());
  EXPECT_THAT(store().RetrySweep(sweep.id, {""}), IsError(StatusCode::kNotFound, "DATASET_NOT_FOUND"));
  EXPECT_THAT(JobsOf(store(), sweep.id), ElementsAre(sweep.cells[0]->id, ""));
}

TEST_P(JobStoreContract, ADeletedSweepTakesAllItsJobsWithIt) {
  const Sweep sweep = Submitted(store(), SweepOf({"a", "b"}, {Dataset(3)}));
  const std::vector<std::string> jobs = JobsOf(sweep);
  const std::string other = SubmitSamples(1).id;
  const SessionRef session = OpenSession("worker");
  Finish(session, jobs[0], 'a');
  EXPECT_THAT(store().DeleteSweep(sweep.id, false), IsError(StatusCode::kFailedPrecondition, "SWEEP_NOT_ENDED"));
  EXPECT_EQ(Get(jobs[0]).state, JobState::kSucceeded);
  ASSERT_THAT(store().Cancel(jobs[1]), IsOk());
  const auto retried = store().RetrySweep(sweep.id, {"", ""});
  ASSERT_THAT(retried, IsOk());
  // Both have the same bytes: the blob goes with the last of them.
  Finish(session, retried->jobs.at(0), 'a');
  const auto deleted = store().DeleteSweep(sweep.id, false);
  ASSERT_THAT(deleted, IsOk());
  EXPECT_THAT(retried->jobs, ElementsAre(jobs[1]));
  EXPECT_THAT(*deleted, ElementsAre(jobs[0], jobs[1]));
  EXPECT_THAT((*store().TakeUnusedBlobs(100)), ElementsAre(BlobName('a')));
  Restart();
  EXPECT_THAT(store().GetSweep(sweep.id), IsError(StatusCode::kNotFound, "SWEEP_NOT_FOUND"));
  EXPECT_THAT(store().ListJobs({}, {})->items, ElementsAre(::testing::Field(&Job::id, other)));
  EXPECT_THAT(store().ListPatterns({}, {})->items, IsEmpty());
}

TEST_P(JobStoreContract, JobsOutliveTheirSweepWhenTheyAreKept) {
  const Sweep sweep = Submitted(store(), SweepOf({"a"}, {Dataset(3)}));
  const auto deleted = store().DeleteSweep(sweep.id, true);
  ASSERT_THAT(deleted, IsOk());
  EXPECT_THAT(*deleted, IsEmpty());
  EXPECT_THAT(store().GetSweep(sweep.id), IsError(StatusCode::kNotFound, "SWEEP_NOT_FOUND"));
  Finish(OpenSession("worker"), sweep.cells[0]->id);
  EXPECT_EQ(Get(sweep.cells[0]->id).state, JobState::kSucceeded);
}

TEST_P(JobStoreContract, ASweepOfTheLargestSizeIsOneTransaction) {
  std::vector<std::string> datasets;
  for (int i = 0; i < 10; ++i) datasets.push_back(Dataset(5000));
  const Sweep sweep = Submitted(store(), SweepOf(Models(100), datasets));
  ASSERT_THAT(sweep.cells, SizeIs(kMaxSweepCells));
  const std::vector<std::string> jobs = JobsOf(sweep);
  EXPECT_THAT(std::set<std::string>(jobs.begin(), jobs.end()), SizeIs(kMaxSweepCells));
  ASSERT_THAT(store().CancelSweep(sweep.id), IsOk());
  EXPECT_EQ(store().GetSweep(sweep.id)->counts.cancelled, kMaxSweepCells);
  EXPECT_THAT(store().RetrySweep(sweep.id, std::vector<std::string>(100))->jobs, SizeIs(kMaxSweepCells));
}

}  // namespace
}  // namespace headscope::server
