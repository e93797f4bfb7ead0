#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/server/service/service_harness.h"

namespace headscope::server {
namespace {

using testing::ElementsAre;

class JobsRpcTest : public testing::Test {
 protected:
  v1::Job Get(const std::string& id) {
    v1::GetJobRequest request;
    request.set_name("jobs/" + id);
    v1::GetJobResponse response;
    EXPECT_TRUE(harness_.attribution().GetJob(Context().get(), request, &response).ok());
    return response.job();
  }
  grpc::Status Cancel(const std::string& id) {
    v1::CancelJobRequest request;
    request.set_name(id);
    return harness_.attribution().CancelJob(Context().get(), request, &cancelled_);
  }
  grpc::Status Delete(const std::string& id) {
    v1::DeleteJobRequest request;
    request.set_name(id);
    v1::DeleteJobResponse response;
    return harness_.attribution().DeleteJob(Context().get(), request, &response);
  }
  v1::ListJobsResponse List(const v1::ListJobsRequest& request) {
    v1::ListJobsResponse response;
    const grpc::Status status = harness_.attribution().ListJobs(Context().get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  ServiceHarness harness_;
  v1::CancelJobResponse cancelled_;
};

TEST_F(JobsRpcTest, JobIsShownThroughItsLife) {
  const std::string id = harness_.Submit(3);
  EXPECT_EQ(Get(id).state(), v1::Job::QUEUED);
  harness_.Complete(*harness_.Claim(id));
  harness_.clock().Advance(absl::Seconds(5));
  const auto lease = harness_.Claim(id);
  v1::Job job = Get(id);
  EXPECT_EQ(job.state(), v1::Job::RUNNING);
  EXPECT_EQ(job.progress().tokens_total(), 120u);
  EXPECT_EQ(job.spec().execution().batch_tokens(), 1024u);
  ASSERT_EQ(job.attempts_size(), 2);
  EXPECT_EQ(job.attempts(0).phase(), v1::Attempt::PREPARE);
  EXPECT_EQ(job.attempts(0).outcome(), v1::Attempt::COMPLETED);
  EXPECT_EQ(job.attempts(1).outcome(), v1::Attempt::OUTCOME_UNSPECIFIED);
  EXPECT_EQ(job.attempts(1).worker(), "worker-a");
  harness_.Complete(*lease);
  job = Get(id);
  EXPECT_EQ(job.state(), v1::Job::SUCCEEDED);
  EXPECT_EQ(job.pattern(), "patterns/p-" + id.substr(2));
  EXPECT_EQ(job.progress().samples_done(), 3u);
  EXPECT_EQ(job.progress().tokens_done(), 120u);
  EXPECT_EQ(job.blocked_reason(), "");
  EXPECT_EQ(job.attempt_count(), 2u);
  EXPECT_TRUE(job.has_end_time());
}

TEST_F(JobsRpcTest, FailureIsShown) {
  const std::string id = harness_.Submit(1);
  harness_.Complete(*harness_.Claim(id));
  harness_.Fail(*harness_.Claim(id), {{"NON_FINITE_SCORES", "sample s0: NaN"}, false, std::nullopt});
  const v1::Job job = Get(id);
  EXPECT_EQ(job.state(), v1::Job::FAILED);
  EXPECT_EQ(job.failure().reason(), "NON_FINITE_SCORES");
  EXPECT_EQ(job.pattern(), "");
}

TEST_F(JobsRpcTest, UnknownAndMalformedNamesAreToldApart) {
  v1::GetJobRequest request;
  v1::GetJobResponse response;
  request.set_name("jobs/j-0000000000000000");
  grpc::Status status = harness_.attribution().GetJob(Context().get(), request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonOf(status), "JOB_NOT_FOUND");
  request.set_name("datasets/x");
  status = harness_.attribution().GetJob(Context().get(), request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(FieldsOf(status), ElementsAre("name"));
}

TEST_F(JobsRpcTest, ListPagesNewestFirstWithoutRepeats) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back("jobs/" + harness_.Submit(1));
  std::vector<std::string> seen;
  v1::ListJobsRequest request;
  request.set_page_size(2);
  do {
    const v1::ListJobsResponse page = List(request);
    EXPECT_LE(page.jobs_size(), 2);
    for (const v1::Job& job : page.jobs()) seen.push_back(job.name());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(seen, std::vector<std::string>(ids.rbegin(), ids.rend()));
}

TEST_F(JobsRpcTest, ListFiltersAndRefusesTokensOfOtherQuestions) {
  const std::string done = harness_.Submit(1);
  harness_.Submit(2);
  harness_.Submit(2);
  harness_.RunJob(done);
  v1::ListJobsRequest request;
  request.add_states(v1::Job::SUCCEEDED);
  const v1::ListJobsResponse succeeded = List(request);
  ASSERT_EQ(succeeded.jobs_size(), 1);
  EXPECT_EQ(succeeded.jobs(0).name(), "jobs/" + done);
  EXPECT_EQ(succeeded.jobs(0).attempts_size(), 0);
  v1::ListJobsRequest queued;
  queued.add_states(v1::Job::QUEUED);
  queued.set_page_size(1);
  request.set_page_token(List(queued).next_page_token());
  v1::ListJobsResponse response;
  const grpc::Status status = harness_.attribution().ListJobs(Context().get(), request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(status), "BAD_PAGE_TOKEN");
}

TEST_F(JobsRpcTest, CancelEndsQueuedWorkAtOnceAndChangesNothingLater) {
  const std::string id = harness_.Submit(1);
  ASSERT_TRUE(Cancel(id).ok());
  EXPECT_EQ(cancelled_.job().state(), v1::Job::CANCELLED);
  ASSERT_TRUE(Cancel(id).ok());
  EXPECT_EQ(cancelled_.job().state(), v1::Job::CANCELLED);
}

TEST_F(JobsRpcTest, CancelOfRunningWorkIsRequestedFirst) {
  const std::string id = harness_.Submit(1);
  const auto lease = harness_.Claim(id);
  ASSERT_TRUE(Cancel(id).ok());
  EXPECT_EQ(cancelled_.job().state(), v1::Job::PREPARING);
  EXPECT_TRUE(cancelled_.job().cancel_requested());
}

TEST_F(JobsRpcTest, ARetriedJobGoesOnUnderItsName) {
  const std::string id = harness_.Submit(2);
  const auto retry = [&](v1::RetryJobResponse& response) {
    v1::RetryJobRequest request;
    request.set_name("jobs/" + id);
    return harness_.attribution().RetryJob(Context().get(), request, &response);
  };
  v1::RetryJobResponse response;
  EXPECT_EQ(ReasonOf(retry(response)), "JOB_NOT_ENDED");
  ASSERT_TRUE(Cancel(id).ok());
  ASSERT_TRUE(retry(response).ok());
  EXPECT_EQ(response.job().name(), "jobs/" + id);
  EXPECT_EQ(response.job().state(), v1::Job::QUEUED);
  EXPECT_FALSE(response.job().has_end_time());
  harness_.RunJob(id);
  EXPECT_EQ(Get(id).state(), v1::Job::SUCCEEDED);
  EXPECT_EQ(ReasonOf(retry(response)), "JOB_NOT_RETRYABLE");
  v1::RetryJobRequest unknown;
  unknown.set_name("jobs/j-none");
  EXPECT_EQ(ReasonOf(harness_.attribution().RetryJob(Context().get(), unknown, &response)), "JOB_NOT_FOUND");
}

TEST_F(JobsRpcTest, DeleteNeedsAnEndedJobAndRemovesItsPlanes) {
  const std::string id = harness_.Submit(2);
  const grpc::Status refused = Delete(id);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(refused), "JOB_NOT_ENDED");
  const std::uint64_t before = harness_.blobs().stored_bytes();
  harness_.RunJob(id);
  EXPECT_GT(harness_.blobs().stored_bytes(), before);
  ASSERT_TRUE(Delete(id).ok());
  harness_.RemoveUnusedBlobs();
  EXPECT_EQ(harness_.blobs().stored_bytes(), before);
  EXPECT_EQ(Delete(id).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(JobsRpcTest, PlanesThatAnotherJobSharesStay) {
  const std::string first = harness_.Submit(2);
  const std::string second = harness_.Submit(2);
  harness_.RunJob(first);
  harness_.RunJob(second);
  ASSERT_TRUE(Delete(first).ok());
  v1::GetPatternRequest request;
  request.set_name("patterns/p-" + second.substr(2));
  v1::GetPatternResponse response;
  EXPECT_TRUE(harness_.patterns().GetPattern(Context().get(), request, &response).ok());
}

TEST_F(JobsRpcTest, InvalidSamplesArePagedWithTheirTotal) {
  const std::string id = harness_.Submit(5);
  const std::vector<InvalidSample> invalid = {
      {0, "s0", "TOO_LONG", "9 tokens"}, {2, "s2", "TOKEN_OUT_OF_RANGE", "id 99"}, {4, "s4", "TOO_LONG", "8 tokens"}};
  harness_.RunJob(id, 40, invalid);
  EXPECT_EQ(Get(id).failure().reason(), "INVALID_SAMPLES");
  v1::ListInvalidSamplesRequest request;
  request.set_name(id);
  request.set_page_size(2);
  v1::ListInvalidSamplesResponse page;
  ASSERT_TRUE(harness_.attribution().ListInvalidSamples(Context().get(), request, &page).ok());
  EXPECT_EQ(page.total(), 3u);
  ASSERT_EQ(page.samples_size(), 2);
  EXPECT_EQ(page.samples(1).id(), "s2");
  EXPECT_EQ(page.samples(1).index(), 2u);
  EXPECT_EQ(page.samples(1).reason(), "TOKEN_OUT_OF_RANGE");
  request.set_page_token(page.next_page_token());
  ASSERT_TRUE(harness_.attribution().ListInvalidSamples(Context().get(), request, &page).ok());
  ASSERT_EQ(page.samples_size(), 1);
  EXPECT_EQ(page.samples(0).id(), "s4");
  EXPECT_EQ(page.next_page_token(), "");
}

}  // namespace
}  // namespace headscope::server
