#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/service/service_harness.h"

namespace headscope::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;

class SubmitRpcTest : public testing::Test {
 protected:
  SubmitRpcTest() { harness_.PutCatalogue({ServiceHarness::ModelEntry()}); }

  v1::SubmitJobRequest Request() {
    v1::SubmitJobRequest request;
    request.mutable_spec()->set_model(ServiceHarness::kModel);
    request.mutable_spec()->set_dataset(harness_.Upload(3));
    return request;
  }
  grpc::Status Submit(const v1::SubmitJobRequest& request) {
    return harness_.attribution().SubmitJob(Context().get(), request, &response_);
  }
  int JobCount() {
    v1::ListJobsResponse jobs;
    EXPECT_TRUE(harness_.attribution().ListJobs(Context().get(), {}, &jobs).ok());
    return jobs.jobs_size();
  }

  ServiceHarness harness_;
  v1::SubmitJobResponse response_;
};

TEST_F(SubmitRpcTest, AnswersWithTheResolvedJob) {
  v1::SubmitJobRequest request = Request();
  (*request.mutable_spec()->mutable_labels())["task"] = "copy";
  ASSERT_TRUE(Submit(request).ok());
  const v1::Job& job = response_.job();
  EXPECT_THAT(job.name(), testing::StartsWith("jobs/j-"));
  EXPECT_EQ(job.state(), v1::Job::QUEUED);
  EXPECT_EQ(job.spec().model(), "models/family/model");
  EXPECT_EQ(job.spec().model_digest(), std::string(32, 'd'));
  EXPECT_TRUE(job.spec().compute().has_gradient());
  EXPECT_EQ(job.spec().compute().dtype(), v1::DTYPE_FLOAT32);
  EXPECT_EQ(job.spec().compute().engine(), v1::ENGINE_FAST);
  EXPECT_TRUE(job.spec().compute().append_eos());
  EXPECT_EQ(job.spec().compute().on_invalid(), v1::ON_INVALID_REFUSE);
  EXPECT_EQ(job.spec().reduction().absolute(), v1::ABSOLUTE_PER_SAMPLE);
  EXPECT_FALSE(job.spec().reduction().has_script_batch());
  EXPECT_EQ(job.spec().execution().max_attempts(), 5u);
  EXPECT_EQ(job.spec().labels().at("task"), "copy");
  EXPECT_EQ(job.progress().samples_total(), 3u);
  EXPECT_NE(job.blocked_reason(), "");
}

TEST_F(SubmitRpcTest, ARepeatedRequestIsAnsweredThoughTheModelIsGone) {
  v1::SubmitJobRequest request = Request();
  request.set_request_id("once");
  ASSERT_TRUE(Submit(request).ok());
  const std::string name = response_.job().name();
  harness_.PutCatalogue({});
  const grpc::Status again = Submit(request);
  ASSERT_TRUE(again.ok()) << again.error_message();
  EXPECT_EQ(response_.job().name(), name);
  request.set_request_id("another");
  EXPECT_FALSE(Submit(request).ok());
}

TEST_F(SubmitRpcTest, SameRequestIdIsTheSameJob) {
  v1::SubmitJobRequest request = Request();
  request.set_request_id("once");
  ASSERT_TRUE(Submit(request).ok());
  const std::string name = response_.job().name();
  ASSERT_TRUE(Submit(request).ok());
  EXPECT_EQ(response_.job().name(), name);
  EXPECT_EQ(JobCount(), 1);
}

TEST_F(SubmitRpcTest, RequestIdOfAnotherRequestIsRefused) {
  v1::SubmitJobRequest request = Request();
  request.set_request_id("once");
  ASSERT_TRUE(Submit(request).ok());
  request.mutable_spec()->mutable_compute()->set_max_tokens(7);
  const grpc::Status status = Submit(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(ReasonOf(status), "REQUEST_ID_REUSED");
}

TEST_F(SubmitRpcTest, DefaultsSpelledOutAreTheSameRequest) {
  v1::SubmitJobRequest request = Request();
  request.set_request_id("once");
  ASSERT_TRUE(Submit(request).ok());
  request.mutable_spec()->set_model("models/family/model");
  request.mutable_spec()->mutable_compute()->set_dtype(v1::DTYPE_FLOAT32);
  EXPECT_TRUE(Submit(request).ok());
  EXPECT_EQ(JobCount(), 1);
}

TEST_F(SubmitRpcTest, UnknownModelIsNotFoundWithNearNames) {
  v1::SubmitJobRequest request = Request();
  request.mutable_spec()->set_model("family/modle");
  const grpc::Status status = Submit(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonOf(status), "MODEL_NOT_FOUND");
  EXPECT_THAT(status.error_message(), HasSubstr("family/model"));
}

TEST_F(SubmitRpcTest, UnsupportedAndChangedModelsAreRefused) {
  CatalogueEntry unsupported = ServiceHarness::ModelEntry("odd");
  unsupported.unsupported = "ALiBi position bias";
  harness_.PutCatalogue({ServiceHarness::ModelEntry(), unsupported});
  v1::SubmitJobRequest request = Request();
  request.mutable_spec()->set_model("odd");
  grpc::Status status = Submit(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(status), "MODEL_UNSUPPORTED");
  EXPECT_THAT(status.error_message(), HasSubstr("ALiBi"));
  request.mutable_spec()->set_model(ServiceHarness::kModel);
  request.mutable_spec()->set_model_digest(std::string(32, 'x'));
  status = Submit(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(status), "MODEL_CHANGED");
}

TEST_F(SubmitRpcTest, UnknownDatasetIsNotFound) {
  v1::SubmitJobRequest request = Request();
  request.mutable_spec()->set_dataset(std::string(64, 'b'));
  for (const bool validate_only : {false, true}) {
    request.set_validate_only(validate_only);
    const grpc::Status status = Submit(request);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
    EXPECT_EQ(ReasonOf(status), "DATASET_NOT_FOUND");
  }
}

TEST_F(SubmitRpcTest, InlineSamplesBecomeADataset) {
  v1::SubmitJobRequest request = Request();
  *request.mutable_spec()->mutable_inline_samples() = TokenSamples(5);
  ASSERT_TRUE(Submit(request).ok());
  v1::GetDatasetRequest get;
  get.set_name(response_.job().spec().dataset());
  v1::GetDatasetResponse dataset;
  ASSERT_TRUE(harness_.datasets().GetDataset(Context().get(), get, &dataset).ok());
  EXPECT_EQ(dataset.dataset().sample_count(), 5u);
  EXPECT_EQ(dataset.dataset().name(), harness_.Upload(5));
}

TEST_F(SubmitRpcTest, FaultsOfSpecAndInlineSamplesComeTogether) {
  v1::SubmitJobRequest request;
  request.mutable_spec()->mutable_inline_samples()->add_samples()->set_id("a");
  request.mutable_spec()->mutable_execution()->set_priority(1000);
  const grpc::Status status = Submit(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_NE(ReasonOf(status), "");
  EXPECT_THAT(FieldsOf(status),
              IsSupersetOf({"spec.model", "spec.execution.priority", "spec.inline_samples.samples[0].input"}));
  v1::ListDatasetsResponse datasets;
  ASSERT_TRUE(harness_.datasets().ListDatasets(Context().get(), {}, &datasets).ok());
  EXPECT_EQ(datasets.datasets_size(), 0);
}

TEST_F(SubmitRpcTest, ValidateOnlyStoresNothing) {
  v1::SubmitJobRequest request = Request();
  *request.mutable_spec()->mutable_inline_samples() = TokenSamples(5);
  request.set_validate_only(true);
  const std::uint64_t stored = harness_.blobs().stored_bytes();
  ASSERT_TRUE(Submit(request).ok());
  EXPECT_EQ(response_.job().name(), "");
  EXPECT_EQ(response_.job().progress().samples_total(), 5u);
  EXPECT_EQ(response_.job().spec().model_digest(), std::string(32, 'd'));
  EXPECT_EQ(JobCount(), 0);
  EXPECT_EQ(harness_.blobs().stored_bytes(), stored);
}

TEST_F(SubmitRpcTest, CallIsLoggedInAndOutWithTheClientsRequestId) {
  const auto context = Context();
  context->AddMetadata("x-request-id", "client-7");
  v1::SubmitJobRequest request = Request();
  ASSERT_TRUE(harness_.attribution().SubmitJob(context.get(), request, &response_).ok());
  std::vector<CallRecord> records;
  for (const CallRecord& record : harness_.log()) {
    if (record.method == "SubmitJob") records.push_back(record);
  }
  ASSERT_EQ(records.size(), 2u);
  EXPECT_FALSE(records[0].ended);
  EXPECT_TRUE(records[1].ended);
  EXPECT_EQ(records[0].request_id, "client-7");
  EXPECT_EQ(records[1].request_id, "client-7");
  EXPECT_EQ(records[1].resource, response_.job().name());
  EXPECT_TRUE(records[1].status.ok());
}

}  // namespace
}  // namespace headscope::server
