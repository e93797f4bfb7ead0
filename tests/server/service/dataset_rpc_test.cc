#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "proto/support/limits.h"
#include "proto/support/sample_encoding.h"
#include "proto/support/sha256.h"
#include "proto/support/wire/sample_codec.h"
#include "tests/server/service/service_harness.h"

namespace headscope::server {
namespace {

using testing::ElementsAre;

class DatasetRpcTest : public testing::Test {
 protected:
  void ExpectNothingStored() {
    v1::ListDatasetsResponse response;
    EXPECT_TRUE(harness_.datasets().ListDatasets(Context().get(), {}, &response).ok());
    EXPECT_EQ(response.datasets_size(), 0);
    EXPECT_EQ(harness_.blobs().stored_bytes(), 0u);
  }
  void ExpectRefused(const std::vector<v1::UploadDatasetRequest>& parts, const std::string& reason) {
    const Uploaded uploaded = UploadParts(harness_, parts);
    EXPECT_EQ(uploaded.status.code(), absl::StatusCode::kInvalidArgument) << uploaded.status;
    EXPECT_EQ(headscope::ReasonOf(uploaded.status), reason) << uploaded.status;
    ExpectNothingStored();
  }
  grpc::Status Delete(const std::string& name) {
    v1::DeleteDatasetRequest request;
    request.set_name(name);
    v1::DeleteDatasetResponse response;
    return harness_.datasets().DeleteDataset(Context().get(), request, &response);
  }

  ServiceHarness harness_;
};

std::string DigestOf(const v1::SampleBatch& batch) {
  std::string records = DatasetHeader();
  for (const v1::Sample& sample : batch.samples()) AppendSampleRecord(*FromProto(sample), records);
  return Sha256Of(records);
}

TEST_F(DatasetRpcTest, UploadIsNamedByItsContent) {
  const std::string digest = DigestOf(TokenSamples(7));
  const Uploaded uploaded = UploadParts(harness_, {HeaderPart("numbers"), BatchPart(TokenSamples(4)),
                                                   BatchPart(TokenSamples(3, 4)), CommitPart(7, digest)});
  ASSERT_TRUE(uploaded.status.ok()) << uploaded.status;
  EXPECT_EQ(uploaded.dataset.name(), "datasets/" + ToHex(digest));
  EXPECT_EQ(uploaded.dataset.sha256(), digest);
  EXPECT_EQ(uploaded.dataset.sample_count(), 7u);
  EXPECT_EQ(uploaded.dataset.display_name(), "numbers");
  EXPECT_EQ(uploaded.dataset.size_bytes(), harness_.blobs().stored_bytes());
}

TEST_F(DatasetRpcTest, SameContentAgainIsTheDatasetThatExists) {
  const Uploaded first = UploadParts(harness_, {HeaderPart("first"), BatchPart(TokenSamples(2)), CommitPart(2)});
  const Uploaded second = UploadParts(harness_, {HeaderPart("second"), BatchPart(TokenSamples(2)), CommitPart(2)});
  ASSERT_TRUE(second.status.ok()) << second.status;
  EXPECT_EQ(second.dataset.name(), first.dataset.name());
  EXPECT_EQ(second.dataset.display_name(), "first");
}

TEST_F(DatasetRpcTest, CommitThatDoesNotMatchStoresNothing) {
  ExpectRefused({HeaderPart(), BatchPart(TokenSamples(2)), CommitPart(3)}, "CHECKSUM_MISMATCH");
  ExpectRefused({HeaderPart(), BatchPart(TokenSamples(2)), CommitPart(2, std::string(32, 'x'))}, "CHECKSUM_MISMATCH");
}

// A client of another release takes the digest over other bytes.
TEST_F(DatasetRpcTest, AMismatchSaysTheVersionOfTheEncoding) {
  const Uploaded uploaded =
      UploadParts(harness_, {HeaderPart(), BatchPart(TokenSamples(2)), CommitPart(2, std::string(32, 'x'))});
  EXPECT_THAT(std::string(uploaded.status.message()), testing::HasSubstr("version 2 of the sample encoding"));
  EXPECT_THAT(std::string(uploaded.status.message()), testing::HasSubstr(ToHex(DigestOf(TokenSamples(2)))));
}

TEST_F(DatasetRpcTest, PartsOutOfOrderAreRefused) {
  ExpectRefused({BatchPart(TokenSamples(1)), CommitPart(1)}, "UPLOAD_OUT_OF_ORDER");
  ExpectRefused({HeaderPart(), HeaderPart(), CommitPart(0)}, "UPLOAD_OUT_OF_ORDER");
  ExpectRefused({CommitPart(0)}, "UPLOAD_OUT_OF_ORDER");
  ExpectRefused({HeaderPart(), v1::UploadDatasetRequest()}, "UPLOAD_OUT_OF_ORDER");
  ExpectRefused({HeaderPart(), BatchPart(TokenSamples(1))}, "UPLOAD_OUT_OF_ORDER");
  ExpectRefused({}, "UPLOAD_OUT_OF_ORDER");
}

TEST_F(DatasetRpcTest, EveryBadSampleOfAllBatchesIsNamed) {
  v1::SampleBatch bad = TokenSamples(3);
  bad.mutable_samples(1)->mutable_input()->mutable_tokens()->set_prompt_tokens(4);
  bad.mutable_samples(2)->set_id("s0");
  v1::SampleBatch worse;
  worse.add_samples()->mutable_input()->mutable_pair()->set_prompt("no response");
  const Uploaded uploaded = UploadParts(harness_, {HeaderPart(std::string(kMaxDisplayNameBytes + 1, 'x')),
                                                   BatchPart(bad), BatchPart(worse), CommitPart(4)});
  EXPECT_EQ(uploaded.status.code(), absl::StatusCode::kInvalidArgument);
  std::vector<std::string> fields;
  for (const auto& violation : headscope::DetailsOf(uploaded.status).violations) fields.push_back(violation.field);
  EXPECT_THAT(fields, ElementsAre("header.display_name", "samples[1].prompt_tokens", "samples[2].id",
                                  "samples[3].response", "samples[3].input"));
  ExpectNothingStored();
}

TEST_F(DatasetRpcTest, EmptyDatasetIsRefused) { ExpectRefused({HeaderPart(), CommitPart(0)}, "INVALID_FIELDS"); }

TEST_F(DatasetRpcTest, ClientThatGoesAwayLeavesNothing) {
  const auto context = Context();
  v1::UploadDatasetResponse response;
  const auto writer = harness_.datasets().UploadDataset(context.get(), &response);
  ASSERT_TRUE(writer->Write(HeaderPart()));
  ASSERT_TRUE(writer->Write(BatchPart(TokenSamples(5))));
  context->TryCancel();
  EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::CANCELLED);
  ExpectNothingStored();
}

TEST_F(DatasetRpcTest, ListsNewestFirstByPages) {
  std::vector<std::string> names;
  for (int i = 1; i <= 3; ++i) names.push_back(harness_.Upload(i));
  v1::ListDatasetsRequest request;
  request.set_page_size(2);
  v1::ListDatasetsResponse page;
  ASSERT_TRUE(harness_.datasets().ListDatasets(Context().get(), request, &page).ok());
  ASSERT_EQ(page.datasets_size(), 2);
  EXPECT_EQ(page.datasets(0).name(), names[2]);
  request.set_page_token(page.next_page_token());
  ASSERT_TRUE(harness_.datasets().ListDatasets(Context().get(), request, &page).ok());
  ASSERT_EQ(page.datasets_size(), 1);
  EXPECT_EQ(page.datasets(0).name(), names[0]);
  EXPECT_EQ(page.next_page_token(), "");
}

TEST_F(DatasetRpcTest, DeleteRemovesTheContentUnlessAJobNeedsIt) {
  const std::string id = harness_.Submit(4);
  const std::string name = harness_.Upload(4);
  const grpc::Status refused = Delete(name);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(refused), "DATASET_IN_USE");
  const std::string unused = harness_.Upload(9);
  ASSERT_TRUE(Delete(unused).ok());
  EXPECT_EQ(Delete(unused).error_code(), grpc::StatusCode::NOT_FOUND);
  harness_.RemoveUnusedBlobs();
  EXPECT_FALSE(harness_.blobs().Open(unused.substr(9)).ok());
  EXPECT_TRUE(harness_.blobs().Open(name.substr(9)).ok());
}

TEST_F(DatasetRpcTest, ManyUploadsAtOnceAreAllStored) {
  std::vector<std::thread> clients;
  for (int i = 1; i <= 8; ++i) {
    clients.emplace_back([this, i] { EXPECT_NE(harness_.Upload(20 * i), ""); });
  }
  for (std::thread& client : clients) client.join();
  v1::ListDatasetsResponse response;
  ASSERT_TRUE(harness_.datasets().ListDatasets(Context().get(), {}, &response).ok());
  EXPECT_EQ(response.datasets_size(), 8);
}

}  // namespace
}  // namespace headscope::server
