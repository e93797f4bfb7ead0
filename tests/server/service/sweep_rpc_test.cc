#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/server/service/service_harness.h"

namespace headscope::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class SweepRpcTest : public testing::Test {
 protected:
  SweepRpcTest() {
    harness_.PutCatalogue({ServiceHarness::ModelEntry("base"), ServiceHarness::ModelEntry("run/checkpoint-1")});
  }

  // Both models on data of three and of five samples.
  v1::SubmitSweepRequest Request() {
    v1::SubmitSweepRequest request;
    request.mutable_spec()->add_models("base");
    request.mutable_spec()->add_models("models/run/checkpoint-1");
    AddDataset(request, harness_.Upload(3), "copy");
    AddDataset(request, harness_.Upload(5), "sort");
    return request;
  }
  static void AddDataset(v1::SubmitSweepRequest& request, const std::string& dataset, const std::string& task) {
    v1::SweepDataset& added = *request.mutable_spec()->add_datasets();
    added.set_dataset(dataset);
    added.set_task(task);
  }
  grpc::Status Submit(const v1::SubmitSweepRequest& request) {
    v1::SubmitSweepResponse response;
    const grpc::Status status = harness_.attribution().SubmitSweep(Context().get(), request, &response);
    sweep_ = response.sweep();
    return status;
  }
  v1::Sweep Get() {
    v1::GetSweepRequest request;
    request.set_name(sweep_.name());
    v1::GetSweepResponse response;
    const grpc::Status status = harness_.attribution().GetSweep(Context().get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.sweep();
  }
  grpc::Status Retry() {
    v1::RetrySweepRequest request;
    request.set_name(sweep_.name());
    v1::RetrySweepResponse response;
    const grpc::Status status = harness_.attribution().RetrySweep(Context().get(), request, &response);
    if (status.ok()) sweep_ = response.sweep();
    return status;
  }
  static std::string JobOf(const v1::SweepCell& cell) { return cell.job().substr(5); }
  int JobCount() {
    v1::ListJobsResponse jobs;
    EXPECT_TRUE(harness_.attribution().ListJobs(Context().get(), {}, &jobs).ok());
    return jobs.jobs_size();
  }
  void FailCell(int cell) {
    harness_.Fail(*harness_.Claim(JobOf(sweep_.cells(cell))), {{"INTERNAL", "why"}, false, std::nullopt});
  }

  ServiceHarness harness_;
  v1::Sweep sweep_;
};

TEST_F(SweepRpcTest, AnswersWithEveryCellAndTheResolvedSpec) {
  v1::SubmitSweepRequest request = Request();
  (*request.mutable_spec()->mutable_labels())["run"] = "7";
  ASSERT_TRUE(Submit(request).ok());
  EXPECT_THAT(sweep_.name(), testing::StartsWith("sweeps/s-"));
  EXPECT_EQ(sweep_.state(), v1::Job::QUEUED);
  EXPECT_THAT(sweep_.spec().models(), ElementsAre("models/base", "models/run/checkpoint-1"));
  EXPECT_EQ(sweep_.spec().compute().engine(), v1::ENGINE_FAST);
  EXPECT_EQ(sweep_.spec().execution().max_attempts(), 5u);
  EXPECT_EQ(sweep_.progress().samples_total(), 16u);
  EXPECT_EQ(sweep_.counts().total(), 4u);
  EXPECT_EQ(sweep_.counts().queued(), 4u);
  ASSERT_THAT(sweep_.cells(), SizeIs(4));
  const v1::SweepCell& cell = sweep_.cells(3);
  EXPECT_EQ(cell.model(), "models/run/checkpoint-1");
  EXPECT_EQ(cell.dataset(), request.spec().datasets(1).dataset());
  EXPECT_EQ(cell.task(), "sort");
  EXPECT_EQ(cell.state(), v1::Job::QUEUED);
  v1::GetJobRequest get;
  get.set_name(cell.job());
  v1::GetJobResponse job;
  ASSERT_TRUE(harness_.attribution().GetJob(Context().get(), get, &job).ok());
  EXPECT_EQ(job.job().spec().model_digest(), std::string(32, 'd'));
  EXPECT_EQ(job.job().spec().labels().at("sweep"), sweep_.name().substr(7));
  EXPECT_EQ(job.job().spec().labels().at("task"), "sort");
  EXPECT_EQ(job.job().spec().labels().at("checkpoint"), "run/checkpoint-1");
  EXPECT_EQ(job.job().spec().labels().at("run"), "7");
}

TEST_F(SweepRpcTest, HasOneProgressAndAPatternForEveryCell) {
  ASSERT_TRUE(Submit(Request()).ok());
  harness_.RunJob(JobOf(sweep_.cells(0)));
  const v1::Sweep half = Get();
  EXPECT_EQ(half.state(), v1::Job::RUNNING);
  EXPECT_EQ(half.progress().samples_done(), 3u);
  EXPECT_EQ(half.counts().succeeded(), 1u);
  EXPECT_EQ(half.cells(0).pattern(), absl::StrCat("patterns/p-", JobOf(half.cells(0)).substr(2)));
  EXPECT_EQ(half.cells(1).pattern(), "");
  EXPECT_FALSE(half.has_end_time());
  for (int cell = 1; cell < 4; ++cell) harness_.RunJob(JobOf(sweep_.cells(cell)));
  const v1::Sweep whole = Get();
  EXPECT_EQ(whole.state(), v1::Job::SUCCEEDED);
  EXPECT_EQ(whole.progress().samples_done(), 16u);
  EXPECT_EQ(whole.progress().tokens_done(), whole.progress().tokens_total());
  EXPECT_TRUE(whole.has_end_time());
}

TEST_F(SweepRpcTest, SameRequestIdIsTheSameSweepThoughTheModelsAreGone) {
  v1::SubmitSweepRequest request = Request();
  request.set_request_id("once");
  ASSERT_TRUE(Submit(request).ok());
  const std::string name = sweep_.name();
  harness_.PutCatalogue({});
  request.mutable_spec()->mutable_compute()->set_dtype(v1::DTYPE_FLOAT32);
  ASSERT_TRUE(Submit(request).ok());
  EXPECT_EQ(sweep_.name(), name);
  EXPECT_EQ(JobCount(), 4);
  request.mutable_spec()->mutable_compute()->set_max_tokens(7);
  EXPECT_EQ(ReasonOf(Submit(request)), "REQUEST_ID_REUSED");
}

TEST_F(SweepRpcTest, ValidateOnlyQueuesNothing) {
  v1::SubmitSweepRequest request = Request();
  request.set_validate_only(true);
  ASSERT_TRUE(Submit(request).ok());
  EXPECT_EQ(sweep_.name(), "");
  EXPECT_EQ(sweep_.counts().total(), 4u);
  EXPECT_EQ(sweep_.progress().samples_total(), 16u);
  ASSERT_THAT(sweep_.cells(), SizeIs(4));
  EXPECT_EQ(sweep_.cells(1).job(), "");
  EXPECT_EQ(sweep_.cells(1).progress().samples_total(), 5u);
  EXPECT_EQ(JobCount(), 0);
  request.mutable_spec()->add_models("none");
  EXPECT_EQ(ReasonOf(Submit(request)), "MODEL_NOT_FOUND");
}

TEST_F(SweepRpcTest, EveryBadModelIsNamedAndNothingIsMade) {
  CatalogueEntry odd = ServiceHarness::ModelEntry("odd");
  odd.unsupported = "ALiBi position bias";
  harness_.PutCatalogue({ServiceHarness::ModelEntry("base"), odd});
  v1::SubmitSweepRequest request = Request();
  request.mutable_spec()->set_models(1, "bsae");
  request.mutable_spec()->add_models("odd");
  const grpc::Status status = Submit(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonOf(status), "MODEL_NOT_FOUND");
  EXPECT_THAT(status.error_message(), HasSubstr("near names: base"));
  EXPECT_THAT(FieldsOf(status), ElementsAre("spec.models[1]", "spec.models[2]"));
  EXPECT_THAT(DetailsOf(status).violations[1].description, HasSubstr("ALiBi"));
  EXPECT_EQ(JobCount(), 0);
}

TEST_F(SweepRpcTest, EveryUnknownDatasetIsNamed) {
  v1::SubmitSweepRequest request = Request();
  AddDataset(request, std::string(64, 'b'), "b");
  AddDataset(request, std::string(64, 'c'), "c");
  const grpc::Status status = Submit(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonOf(status), "DATASET_NOT_FOUND");
  EXPECT_THAT(FieldsOf(status), ElementsAre("spec.datasets[2].dataset", "spec.datasets[3].dataset"));
  EXPECT_EQ(JobCount(), 0);
}

TEST_F(SweepRpcTest, NoWorkerYetIsSaid) {
  ServiceHarness fresh;
  v1::SubmitSweepResponse response;
  const grpc::Status status = fresh.attribution().SubmitSweep(Context().get(), Request(), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(status), "NO_WORKER");
}

TEST_F(SweepRpcTest, CancelStopsWhatHasNotEnded) {
  ASSERT_TRUE(Submit(Request()).ok());
  harness_.RunJob(JobOf(sweep_.cells(0)));
  v1::CancelSweepRequest request;
  request.set_name(sweep_.name());
  v1::CancelSweepResponse response;
  ASSERT_TRUE(harness_.attribution().CancelSweep(Context().get(), request, &response).ok());
  EXPECT_EQ(response.sweep().state(), v1::Job::CANCELLED);
  EXPECT_EQ(response.sweep().counts().succeeded(), 1u);
  EXPECT_EQ(response.sweep().counts().cancelled(), 3u);
}

TEST_F(SweepRpcTest, ARetryKeepsWhatThereIs) {
  ASSERT_TRUE(Submit(Request()).ok());
  const v1::Sweep first = sweep_;
  harness_.RunJob(JobOf(sweep_.cells(0)));
  FailCell(1);
  ASSERT_TRUE(Retry().ok());
  EXPECT_EQ(sweep_.cells(0).job(), first.cells(0).job());
  EXPECT_EQ(sweep_.cells(1).job(), first.cells(1).job());
  EXPECT_EQ(sweep_.cells(1).state(), v1::Job::QUEUED);
  EXPECT_EQ(sweep_.cells(2).job(), first.cells(2).job());
  for (int cell = 1; cell < 4; ++cell) harness_.RunJob(JobOf(sweep_.cells(cell)));
  EXPECT_EQ(Get().state(), v1::Job::SUCCEEDED);
  ASSERT_TRUE(Retry().ok());
  EXPECT_EQ(JobCount(), 4);
}

TEST_F(SweepRpcTest, ARetryDoesNotMixTwoContentsOfOneModel) {
  ASSERT_TRUE(Submit(Request()).ok());
  harness_.RunJob(JobOf(sweep_.cells(0)));
  FailCell(1);
  FailCell(2);
  FailCell(3);
  CatalogueEntry changed = ServiceHarness::ModelEntry("base");
  changed.digest = std::string(32, 'x');
  CatalogueEntry other = ServiceHarness::ModelEntry("run/checkpoint-1");
  other.digest = std::string(32, 'x');
  harness_.PutCatalogue({changed, other});
  const grpc::Status status = Retry();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(status), "MODEL_CHANGED");
  EXPECT_THAT(FieldsOf(status), ElementsAre("spec.models[0]", "spec.models[1]")) << "all cells are pinned";
  EXPECT_EQ(JobCount(), 4);
  harness_.PutCatalogue({ServiceHarness::ModelEntry("base"), ServiceHarness::ModelEntry("run/checkpoint-1")});
  EXPECT_TRUE(Retry().ok());
  EXPECT_EQ(JobCount(), 4);
}

TEST_F(SweepRpcTest, ARetryNamesTheDatasetsThatAreGoneAndTheirCells) {
  ASSERT_TRUE(Submit(Request()).ok());
  for (int cell = 0; cell < 4; ++cell) harness_.RunJob(JobOf(sweep_.cells(cell)));
  for (const int cell : {1, 3}) {
    v1::DeleteJobRequest remove;
    v1::DeleteJobResponse removed;
    remove.set_name(sweep_.cells(cell).job());
    ASSERT_TRUE(harness_.attribution().DeleteJob(Context().get(), remove, &removed).ok());
    EXPECT_EQ(Get().state(), v1::Job::SUCCEEDED) << "deleting a job is no failure of the sweep";
  }
  EXPECT_EQ(Get().counts().deleted(), 2u);
  v1::DeleteDatasetRequest remove;
  v1::DeleteDatasetResponse removed;
  remove.set_name(sweep_.cells(1).dataset());
  ASSERT_TRUE(harness_.datasets().DeleteDataset(Context().get(), remove, &removed).ok());

  const grpc::Status status = Retry();

  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonOf(status), "DATASET_DELETED");
  EXPECT_THAT(status.error_message(), HasSubstr(remove.name() + " of sort on base, sort on run/checkpoint-1"));
  EXPECT_THAT(status.error_message(), HasSubstr("upload exactly its rows again, no more and no fewer"));
  EXPECT_THAT(FieldsOf(status), ElementsAre("spec.datasets[1].dataset"));
  EXPECT_EQ(harness_.Upload(5), remove.name());
  EXPECT_TRUE(Retry().ok());
  EXPECT_EQ(JobCount(), 4);
}

TEST_F(SweepRpcTest, SweepsAreListedWithoutCells) {
  ASSERT_TRUE(Submit(Request()).ok());
  const std::string first = sweep_.name();
  v1::SubmitSweepRequest labelled = Request();
  (*labelled.mutable_spec()->mutable_labels())["run"] = "7";
  ASSERT_TRUE(Submit(labelled).ok());
  v1::ListSweepsRequest request;
  request.set_page_size(1);
  v1::ListSweepsResponse page;
  ASSERT_TRUE(harness_.attribution().ListSweeps(Context().get(), request, &page).ok());
  ASSERT_THAT(page.sweeps(), SizeIs(1));
  EXPECT_EQ(page.sweeps(0).name(), sweep_.name());
  EXPECT_THAT(page.sweeps(0).cells(), SizeIs(0));
  EXPECT_EQ(page.sweeps(0).progress().samples_total(), 16u);
  request.set_page_token(page.next_page_token());
  ASSERT_TRUE(harness_.attribution().ListSweeps(Context().get(), request, &page).ok());
  EXPECT_EQ(page.sweeps(0).name(), first);
  EXPECT_EQ(page.next_page_token(), "");
  v1::ListSweepsRequest filtered;
  (*filtered.mutable_labels())["run"] = "7";
  ASSERT_TRUE(harness_.attribution().ListSweeps(Context().get(), filtered, &page).ok());
  ASSERT_THAT(page.sweeps(), SizeIs(1));
  EXPECT_EQ(page.sweeps(0).name(), sweep_.name());
}

TEST_F(SweepRpcTest, DeletingASweepTakesItsResultsWithIt) {
  v1::SubmitSweepRequest request = Request();
  ASSERT_TRUE(Submit(request).ok());
  const std::uint64_t before = harness_.blobs().stored_bytes();
  v1::DeleteSweepRequest remove;
  remove.set_name(sweep_.name());
  v1::DeleteSweepResponse response;
  EXPECT_EQ(ReasonOf(harness_.attribution().DeleteSweep(Context().get(), remove, &response)), "SWEEP_NOT_ENDED");
  for (const v1::SweepCell& cell : sweep_.cells()) harness_.RunJob(JobOf(cell));
  EXPECT_GT(harness_.blobs().stored_bytes(), before);
  ASSERT_TRUE(harness_.attribution().DeleteSweep(Context().get(), remove, &response).ok());
  harness_.RemoveUnusedBlobs();
  EXPECT_EQ(harness_.blobs().stored_bytes(), before);
  EXPECT_EQ(JobCount(), 0);
  EXPECT_EQ(ReasonOf(harness_.attribution().DeleteSweep(Context().get(), remove, &response)), "SWEEP_NOT_FOUND");
}

TEST_F(SweepRpcTest, JobsAreKeptWhenAsked) {
  ASSERT_TRUE(Submit(Request()).ok());
  v1::DeleteSweepRequest remove;
  remove.set_name(sweep_.name());
  remove.set_keep_jobs(true);
  v1::DeleteSweepResponse response;
  ASSERT_TRUE(harness_.attribution().DeleteSweep(Context().get(), remove, &response).ok());
  EXPECT_EQ(JobCount(), 4);
}

TEST_F(SweepRpcTest, NamesOfOtherThingsAreRefused) {
  v1::GetSweepRequest request;
  request.set_name("jobs/j-1");
  v1::GetSweepResponse response;
  EXPECT_EQ(harness_.attribution().GetSweep(Context().get(), request, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  request.set_name("sweeps/s-none");
  EXPECT_EQ(ReasonOf(harness_.attribution().GetSweep(Context().get(), request, &response)), "SWEEP_NOT_FOUND");
}

}  // namespace
}  // namespace headscope::server
