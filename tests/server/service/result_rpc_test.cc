// ReadResult and GetPattern over a job that a played worker has scored.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "proto/support/crc32c.h"
#include "proto/support/sha256.h"
#include "proto/support/wire/tensor_codec.h"
#include "tests/server/service/service_harness.h"

namespace headscope::server {
namespace {

using testing::ElementsAre;

struct Download {
  std::vector<v1::ReadResultResponse> chunks;
  grpc::Status status;

  std::string bytes() const {
    std::string all;
    for (const auto& chunk : chunks) all += chunk.data();
    return all;
  }
};

Download Read(ServiceHarness& harness, const std::string& job, std::uint64_t offset = 0) {
  v1::ReadResultRequest request;
  request.set_name("jobs/" + job);
  request.set_offset(offset);
  const auto context = Context();
  const auto reader = harness.attribution().ReadResult(context.get(), request);
  Download download;
  v1::ReadResultResponse chunk;
  while (reader->Read(&chunk)) download.chunks.push_back(chunk);
  download.status = reader->Finish();
  return download;
}

TEST(ReadResultRpcTest, ChunksAreCheckedAndTheLastCarriesTheDigest) {
  ServiceHarness harness;
  const std::string id = harness.Submit(9000);
  harness.RunJob(id);
  const Download download = Read(harness, id);
  ASSERT_TRUE(download.status.ok()) << download.status.error_message();
  ASSERT_GT(download.chunks.size(), 1u);
  std::uint64_t offset = 0;
  for (const auto& chunk : download.chunks) {
    EXPECT_EQ(chunk.offset(), offset);
    EXPECT_LE(chunk.data().size(), 1u << 20);
    EXPECT_EQ(chunk.crc32c(), Crc32c(chunk.data()));
    offset += chunk.data().size();
    EXPECT_EQ(chunk.sha256().empty(), &chunk != &download.chunks.back());
    EXPECT_EQ(chunk.total_bytes(), download.chunks.front().total_bytes());
  }
  EXPECT_EQ(offset, download.chunks.front().total_bytes());
  EXPECT_EQ(download.chunks.back().sha256(), Sha256Of(download.bytes()));
}

TEST(ReadResultRpcTest, GoesOnFromAnyOffset) {
  ServiceHarness harness;
  const std::string id = harness.Submit(9000);
  harness.RunJob(id);
  const Download whole = Read(harness, id);
  const std::string bytes = whole.bytes();
  const std::uint64_t size = bytes.size();
  for (const std::uint64_t offset : {std::uint64_t{1}, std::uint64_t{1} << 20, size - 1, size}) {
    const Download rest = Read(harness, id, offset);
    ASSERT_TRUE(rest.status.ok()) << rest.status.error_message();
    EXPECT_EQ(rest.bytes(), bytes.substr(offset)) << offset;
    EXPECT_EQ(rest.chunks.front().offset(), offset);
    EXPECT_EQ(rest.chunks.back().sha256(), whole.chunks.back().sha256());
  }
  const grpc::Status beyond = Read(harness, id, size + 1).status;
  EXPECT_EQ(beyond.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_NE(ReasonOf(beyond), "");
}

TEST(ReadResultRpcTest, NeedsASucceededJob) {
  ServiceHarness harness;
  const grpc::Status queued = Read(harness, harness.Submit(1)).status;
  EXPECT_EQ(queued.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(queued), "JOB_NOT_SUCCEEDED");
  EXPECT_EQ(ReasonOf(Read(harness, "j-0000000000000000").status), "JOB_NOT_FOUND");
  EXPECT_EQ(Read(harness, "x").status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

class PatternRpcTest : public testing::Test {
 protected:
  static constexpr std::uint32_t kSamples = 5;

  void SetUp() override {
    id_ = harness_.Submit(kSamples);
    // Two samples a shard: 32 Ki tokens each.
    harness_.RunJob(id_, 16 * 1024);
  }
  grpc::Status Get(const v1::GetPatternRequest& request) {
    return harness_.patterns().GetPattern(Context().get(), request, &response_);
  }
  v1::GetPatternRequest Request() {
    v1::GetPatternRequest request;
    request.set_name("patterns/p-" + id_.substr(2));
    return request;
  }
  const v1::Pattern& pattern() const { return response_.pattern(); }
  // Signed score of a sample as the worker gave it.
  static double Score(std::uint32_t sample, std::uint32_t layer, std::uint32_t head) {
    return ServiceHarness::ScoreOf("prompt_signed", sample, layer, head) +
           ServiceHarness::ScoreOf("response_signed", sample, layer, head);
  }

  ServiceHarness harness_;
  std::string id_;
  v1::GetPatternResponse response_;
};

TEST_F(PatternRpcTest, DefaultIsTheMeanAbsoluteScore) {
  ASSERT_TRUE(Get(Request()).ok());
  EXPECT_THAT(pattern().values().shape(), ElementsAre(2, 4));
  const auto values = *DecodeFloat64(pattern().values());
  const auto errors = *DecodeFloat64(pattern().standard_error());
  for (std::uint32_t layer = 0; layer < 2; ++layer) {
    for (std::uint32_t head = 0; head < 4; ++head) {
      double mean = 0, squares = 0;
      for (std::uint32_t i = 0; i < kSamples; ++i) mean += std::fabs(Score(i, layer, head)) / kSamples;
      for (std::uint32_t i = 0; i < kSamples; ++i) squares += std::pow(std::fabs(Score(i, layer, head)) - mean, 2);
      EXPECT_NEAR(values[layer * 4 + head], mean, 1e-12 * mean);
      EXPECT_NEAR(errors[layer * 4 + head], std::sqrt(squares / (kSamples - 1) / kSamples), 1e-10);
    }
  }
  EXPECT_EQ(pattern().samples_scored(), kSamples);
  EXPECT_EQ(pattern().job(), "jobs/" + id_);
}

TEST_F(PatternRpcTest, ReductionOfTheRequestIsAppliedAndEchoed) {
  v1::GetPatternRequest request = Request();
  request.mutable_reduction()->set_absolute(v1::ABSOLUTE_NONE);
  request.mutable_reduction()->set_head_axis(v1::HEAD_AXIS_KV_GROUP);
  ASSERT_TRUE(Get(request).ok());
  EXPECT_THAT(pattern().values().shape(), ElementsAre(2, 2));
  double mean = 0;
  for (std::uint32_t i = 0; i < kSamples; ++i) mean += (Score(i, 0, 0) + Score(i, 0, 1)) / kSamples;
  EXPECT_NEAR(DecodeFloat64(pattern().values())->at(0), mean, 1e-12 * std::fabs(mean));
  EXPECT_EQ(pattern().reduction().head_axis(), v1::HEAD_AXIS_KV_GROUP);
  EXPECT_EQ(pattern().reduction().loss_scale(), v1::LOSS_SCALE_PER_SAMPLE_MEAN);
}

TEST_F(PatternRpcTest, BatchTokenMeanCrossesShardBorders) {
  v1::GetPatternRequest request = Request();
  request.mutable_reduction()->set_loss_scale(v1::LOSS_SCALE_BATCH_TOKEN_MEAN);
  request.mutable_reduction()->set_script_batch(3);
  ASSERT_TRUE(Get(request).ok());
  // All samples have as many tokens: a third each in the first batch, half each in the second.
  const double sum = (std::fabs(Score(0, 0, 0)) + std::fabs(Score(1, 0, 0)) + std::fabs(Score(2, 0, 0))) / 3 +
                     (std::fabs(Score(3, 0, 0)) + std::fabs(Score(4, 0, 0))) / 2;
  EXPECT_NEAR(DecodeFloat64(pattern().values())->at(0), sum / kSamples, 1e-12);
  EXPECT_EQ(pattern().reduction().script_batch(), 3u);
}

TEST_F(PatternRpcTest, ProvenanceIsComplete) {
  ASSERT_TRUE(Get(Request()).ok());
  const v1::Provenance& provenance = pattern().provenance();
  EXPECT_EQ(provenance.model(), "models/family/model");
  EXPECT_EQ(provenance.model_digest(), std::string(32, 'd'));
  EXPECT_EQ(provenance.family(), "llama");
  EXPECT_EQ(provenance.stored_dtype(), "F32");
  EXPECT_EQ(provenance.compute_dtype(), v1::DTYPE_FLOAT32);
  EXPECT_TRUE(provenance.compute().has_gradient());
  EXPECT_EQ(provenance.samples_total(), kSamples);
  EXPECT_EQ(provenance.tokens(), kSamples * 16u * 1024);
  EXPECT_EQ(provenance.response_tokens(), kSamples * 12u * 1024);
  EXPECT_EQ(provenance.batch_tokens(), 1024u);
  EXPECT_THAT(provenance.workers(), ElementsAre("worker-a"));
  EXPECT_THAT(provenance.devices(), ElementsAre("cpu"));
  EXPECT_THAT(provenance.builds(), ElementsAre("headscope 0, LibTorch 0"));
  EXPECT_EQ(provenance.attempts(), 1 + kSamples)
      << "one to prepare; each sample is more than a shard of so small a job";
  EXPECT_EQ(provenance.server_build(), "headscope-server 0.0.0");
  EXPECT_TRUE(provenance.has_end_time());
}

TEST_F(PatternRpcTest, UndeterminedReductionIsRefused) {
  v1::GetPatternRequest request = Request();
  request.mutable_reduction()->set_absolute(v1::ABSOLUTE_PER_TOKEN);
  request.mutable_reduction()->set_head_axis(v1::HEAD_AXIS_KV_GROUP);
  const grpc::Status status = Get(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ReasonOf(status), "BAD_REDUCTION");
}

TEST_F(PatternRpcTest, WhatTheJobSaysOfItsModelOutlivesTheModel) {
  harness_.PutCatalogue({});
  v1::GetPatternRequest request = Request();
  request.mutable_reduction()->set_head_axis(v1::HEAD_AXIS_KV_GROUP);
  const grpc::Status status = Get(request);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(pattern().values().shape(1), 2u);
  EXPECT_EQ(pattern().provenance().family(), "llama");
  EXPECT_EQ(pattern().provenance().stored_dtype(), "F32");
}

TEST_F(PatternRpcTest, AnotherModelOfTheNameChangesNothing) {
  CatalogueEntry other = ServiceHarness::ModelEntry();
  other.digest = std::string(32, 'x');
  other.family = "gpt2";
  other.kv_heads = 4;
  harness_.PutCatalogue({other});
  v1::GetPatternRequest request = Request();
  request.mutable_reduction()->set_head_axis(v1::HEAD_AXIS_KV_GROUP);
  ASSERT_TRUE(Get(request).ok());
  EXPECT_EQ(pattern().values().shape(1), 2u);
  EXPECT_EQ(pattern().provenance().family(), "llama");
}

TEST(KvGroupRpcTest, NeedAWorkerThatSaidHowManyThereAre) {
  ServiceHarness harness;
  const std::string id = harness.Submit(3);
  CatalogueEntry silent = ServiceHarness::ModelEntry();
  silent.kv_heads = 0;
  harness.PutCatalogue({silent});
  harness.RunJob(id);
  v1::GetPatternRequest request;
  request.set_name("patterns/p-" + id.substr(2));
  request.mutable_reduction()->set_head_axis(v1::HEAD_AXIS_KV_GROUP);
  v1::GetPatternResponse response;
  const grpc::Status status = harness.patterns().GetPattern(Context().get(), request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(status), "KV_HEADS_UNKNOWN");
}

TEST(LostScoresRpcTest, AJobWhoseScoresAreGoneSaysSo) {
  ServiceHarness harness;
  const std::string id = harness.Submit(3);
  harness.RunJob(id);
  const auto shards = harness.OnStore([&](JobStore& store) { return store.ResultShards(id); });
  ASSERT_TRUE(shards.ok());
  ASSERT_TRUE(harness.blobs().Remove(shards->at(0).blob).ok());

  const grpc::Status read = Read(harness, id).status;
  v1::GetPatternRequest request;
  request.set_name("patterns/p-" + id.substr(2));
  v1::GetPatternResponse response;
  const grpc::Status pattern = harness.patterns().GetPattern(Context().get(), request, &response);

  for (const grpc::Status& status : {read, pattern}) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::DATA_LOSS);
    EXPECT_EQ(ReasonOf(status), "SCORES_LOST");
    EXPECT_THAT(status.error_message(), testing::HasSubstr("submit the job again"));
  }
}

TEST_F(PatternRpcTest, UnknownAndUnfinishedAreToldApart) {
  v1::GetPatternRequest request;
  request.set_name("patterns/p-0000000000000000");
  EXPECT_EQ(ReasonOf(Get(request)), "PATTERN_NOT_FOUND");
  request.set_name("p-" + harness_.Submit(1).substr(2));
  const grpc::Status status = Get(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(status), "JOB_NOT_SUCCEEDED");
}

}  // namespace
}  // namespace headscope::server
