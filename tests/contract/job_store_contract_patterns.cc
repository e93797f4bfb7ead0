// Patterns: succeeded jobs' and imported ones.
#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "tests/contract/job_store_contract.h"
#include "tests/fakes/stored_blobs.h"

namespace headscope::server {
namespace {

using absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string PatternOf(const std::string& job) { return absl::StrCat("p-", job.substr(2)); }

NewPattern Import(const std::string& name, char blob = 'e') {
  NewPattern pattern;
  pattern.record.display_name = name;
  pattern.record.blob = BlobName(blob);
  pattern.record.facts.layers = 2;
  pattern.record.facts.heads = 4;
  pattern.request_hash = "hash";
  return pattern;
}

std::vector<std::string> Ids(const absl::StatusOr<Page<PatternRecord>>& page) {
  EXPECT_THAT(page, IsOk());
  std::vector<std::string> ids;
  for (const PatternRecord& record : page->items) ids.push_back(record.id);
  return ids;
}

TEST_P(JobStoreContract, AJobHasAPatternFromItsSuccessToItsDeletion) {
  CatalogueEntry entry = Entry("gpt2", Digest('m'), "");
  entry.family = "gpt2";
  entry.layers = 12;
  entry.heads = 16;
  entry.kv_heads = 8;
  entry.head_dim = 64;
  ASSERT_THAT(store().PutCatalogue("worker", {entry}), IsOk());
  NewJob job = JobOn(Dataset(3));
  job.spec.labels = {{"task", "copy"}, {"step", "200"}};
  const std::string id = Submit(job).id;
  EXPECT_THAT(store().GetPattern(PatternOf(id)), IsError(StatusCode::kNotFound, "PATTERN_NOT_FOUND"));
  const SessionRef session = OpenSession("worker");
  Prepare(session, id);
  EXPECT_THAT(store().GetPattern(PatternOf(id)), IsError(StatusCode::kNotFound, "PATTERN_NOT_FOUND"));
  clock().Advance(absl::Seconds(3));
  Finish(session, id);
  Restart();
  const auto record = store().GetPattern(PatternOf(id));
  ASSERT_THAT(record, IsOk());
  EXPECT_EQ(record->job, id);
  EXPECT_EQ(record->blob, "");
  EXPECT_EQ(record->model, job.spec.model);
  EXPECT_EQ(record->model_digest, Digest('m'));
  EXPECT_EQ(record->facts, (ModelFacts{"gpt2", entry.stored_dtype, 8, 12, 16, 64}));
  EXPECT_EQ(record->labels, job.spec.labels);
  EXPECT_EQ(record->samples, 3u);
  EXPECT_EQ(record->create_time, *Get(id).end_time);
  ASSERT_THAT(store().DeleteJob(id), IsOk());
  EXPECT_THAT(store().GetPattern(PatternOf(id)), IsError(StatusCode::kNotFound, "PATTERN_NOT_FOUND"));
  EXPECT_THAT(Ids(store().ListPatterns({}, {})), IsEmpty());
}

TEST_P(JobStoreContract, AJobsPatternHasTheColumnsOfItsOwnReduction) {
  CatalogueEntry entry = Entry("gpt2", Digest('m'), "");
  entry.heads = 16;
  entry.kv_heads = 8;
  ASSERT_THAT(store().PutCatalogue("worker", {entry}), IsOk());
  NewJob grouped = JobOn(Dataset(3));
  grouped.spec.reduction.head_axis = HeadAxis::kKvGroup;
  const std::string of_groups = Submit(grouped).id;
  const std::string of_heads = Submit(JobOn(Dataset(3))).id;
  const SessionRef session = OpenSession("worker");
  for (const std::string& id : {of_groups, of_heads}) Finish(session, id);
  EXPECT_EQ(store().GetPattern(PatternOf(of_groups))->columns(), 8u);
  EXPECT_EQ(store().GetPattern(PatternOf(of_heads))->columns(), 16u);
  const auto listed = store().ListPatterns({}, {});
  ASSERT_THAT(listed->items, SizeIs(2));
  EXPECT_EQ(listed->items[0].columns() + listed->items[1].columns(), 24u);
  EXPECT_EQ(ImportAnnounced(store(), Import("matrix"))->columns(), 4u);
}

TEST_P(JobStoreContract, AJobThatDoesNotSucceedHasNoPattern) {
  const std::string id = SubmitSamples(1).id;
  ASSERT_THAT(store().Cancel(id), IsOk());
  EXPECT_THAT(Ids(store().ListPatterns({}, {})), IsEmpty());
}

TEST_P(JobStoreContract, AnImportedPatternKeepsWhatWasSaidOfIt) {
  NewPattern pattern = Import("paper, step 200");
  pattern.record.origin = "compute_ap.py";
  pattern.record.model = "llama";
  pattern.record.model_digest = Digest('x');
  pattern.record.facts = {"llama", "", 2, 2, 4, 32};
  pattern.record.labels = {{"task", "gsm8k"}};
  pattern.record.samples = 1319;
  const auto stored = ImportAnnounced(store(), pattern);
  ASSERT_THAT(stored, IsOk());
  EXPECT_EQ(stored->id.substr(0, 2), "p-");
  Restart();
  const auto record = store().GetPattern(stored->id);
  ASSERT_THAT(record, IsOk());
  EXPECT_EQ(record->job, "");
  EXPECT_EQ(record->blob, BlobName('e'));
  EXPECT_EQ(record->display_name, "paper, step 200");
  EXPECT_EQ(record->origin, "compute_ap.py");
  EXPECT_EQ(record->model, "llama");
  EXPECT_EQ(record->model_digest, Digest('x'));
  EXPECT_EQ(record->facts, pattern.record.facts);
  EXPECT_EQ(record->labels, pattern.record.labels);
  EXPECT_EQ(record->samples, 1319u);
}

TEST_P(JobStoreContract, ARepeatedImportIsTheSamePattern) {
  NewPattern pattern = Import("a");
  pattern.request_id = "once";
  const auto first = ImportAnnounced(store(), pattern);
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(ImportAnnounced(store(), pattern)->id, first->id);
  pattern.request_hash = "other";
  EXPECT_THAT(ImportAnnounced(store(), pattern), IsError(StatusCode::kAlreadyExists, "REQUEST_ID_REUSED"));
  pattern.request_id = "";
  EXPECT_NE(ImportAnnounced(store(), pattern)->id, first->id);
  EXPECT_THAT(Ids(store().ListPatterns({}, {})), SizeIs(2));
}

TEST_P(JobStoreContract, PatternsAreListedNewestFirstInPages) {
  // All at one moment: the order is that of coming, jobs and imports together.
  const std::string first = ImportAnnounced(store(), Import("a"))->id;
  const std::string job = SubmitSamples(1).id;
  Finish(OpenSession("worker"), job);
  const std::string last = ImportAnnounced(store(), Import("c"))->id;
  const auto page = store().ListPatterns({}, {2, ""});
  EXPECT_THAT(Ids(page), ElementsAre(last, PatternOf(job)));
  // One that comes in between moves nothing.
  ImportAnnounced(store(), Import("d")).IgnoreError();
  const auto rest = store().ListPatterns({}, {2, page->next_token});
  EXPECT_THAT(Ids(rest), ElementsAre(first));
  EXPECT_EQ(rest->next_token, "");
  PatternFilter other;
  other.source = PatternFilter::Source::kImported;
  EXPECT_THAT(store().ListPatterns(other, {2, page->next_token}),
              IsError(StatusCode::kInvalidArgument, "BAD_PAGE_TOKEN"));
}

TEST_P(JobStoreContract, PatternsAreFiltered) {
  NewJob job = JobOn(Dataset(1));
  job.spec.labels = {{"task", "copy"}, {"step", "1"}};
  const std::string of_job = Submit(job).id;
  Finish(OpenSession("worker"), of_job);
  NewPattern pattern = Import("named");
  pattern.record.model = "llama";
  pattern.record.facts.family = "llama";
  pattern.record.labels = {{"task", "copy"}};
  const std::string imported = ImportAnnounced(store(), pattern)->id;
  const auto list = [&](const PatternFilter& filter) { return Ids(store().ListPatterns(filter, {})); };
  using Source = PatternFilter::Source;
  EXPECT_THAT(list({Source::kJob, "", "", "", {}}), ElementsAre(PatternOf(of_job)));
  EXPECT_THAT(list({Source::kImported, "", "", "", {}}), ElementsAre(imported));
  EXPECT_THAT(list({Source::kAll, "llama", "", "", {}}), ElementsAre(imported));
  EXPECT_THAT(list({Source::kAll, "", "llama", "", {}}), ElementsAre(imported));
  EXPECT_THAT(list({Source::kAll, "", "", "named", {}}), ElementsAre(imported));
  EXPECT_THAT(list({Source::kAll, "", "", "", {{"task", "copy"}}}), ElementsAre(imported, PatternOf(of_job)));
  EXPECT_THAT(list({Source::kAll, "", "", "", {{"task", "copy"}, {"step", "1"}}}), ElementsAre(PatternOf(of_job)));
  EXPECT_THAT(list({Source::kImported, "", "", "", {{"step", "1"}}}), IsEmpty());
}

TEST_P(JobStoreContract, ADeletedPatternGivesItsBlobBackWhenItWasTheLastUser) {
  const std::string first = ImportAnnounced(store(), Import("a"))->id;
  const std::string second = ImportAnnounced(store(), Import("b"))->id;
  EXPECT_TRUE(IsLive(store(), BlobName('e')));
  EXPECT_THAT(store().DeletePattern(first), IsOk());
  EXPECT_TRUE(IsLive(store(), BlobName('e')));
  EXPECT_THAT(store().DeletePattern(second), IsOk());
  EXPECT_THAT(*store().TakeUnusedBlobs(10), ::testing::Contains(BlobName('e')));
  EXPECT_FALSE(IsLive(store(), BlobName('e')));
  EXPECT_THAT(store().DeletePattern(first), IsError(StatusCode::kNotFound, "PATTERN_NOT_FOUND"));
}

TEST_P(JobStoreContract, AJobsPatternGoesWithTheJobOnly) {
  const std::string id = SubmitSamples(1).id;
  Finish(OpenSession("worker"), id);
  EXPECT_THAT(store().DeletePattern(PatternOf(id)), IsError(StatusCode::kFailedPrecondition, "PATTERN_OF_JOB"));
  EXPECT_THAT(store().GetPattern(PatternOf(id)), IsOk());
}

TEST_P(JobStoreContract, AJobsBlobStaysWhileAnImportedPatternHasTheSameBytes) {
  const std::string id = SubmitSamples(1).id;
  Finish(OpenSession("worker"), id, 'a');
  ASSERT_THAT(ImportAnnounced(store(), Import("same", 'a')), IsOk());
  EXPECT_THAT(store().DeleteJob(id), IsOk());
  EXPECT_TRUE(IsLive(store(), BlobName('a')));
}

}  // namespace
}  // namespace headscope::server
