#include "server/analysis/job_samples.h"

#include <gtest/gtest.h>

#include <cmath>

#include "proto/support/sha256.h"
#include "server/analysis/reduction.h"
#include "tests/fakes/status_matchers.h"
#include "tests/server/analysis/memory_blob_store.h"

namespace headscope::server {
namespace {

ScoreBlock Block(std::uint32_t first, std::uint32_t samples) {
  ScoreBlock block;
  block.layers = 2;
  block.heads = 4;
  for (std::uint32_t i = 0; i < samples; ++i) {
    block.samples.push_back(first + i);
    block.tokens.push_back(10);
    block.response_tokens.push_back(1 + (first + i) % 3);
    block.objective.push_back(1);
  }
  for (const char* plane : {kPromptSigned, kResponseSigned, kPromptAbsolute, kResponseAbsolute}) {
    for (std::uint32_t i = 0; i < samples * 8; ++i) {
      block.planes[plane].push_back(std::sin(static_cast<float>(first * 8 + i) + static_cast<float>(plane[0])));
    }
  }
  return block;
}

class JobSamplesTest : public ::testing::Test {
 protected:
  JobSamplesTest() {
    Put(0, 3);
    Put(5, 4);
  }
  void Put(std::uint32_t first, std::uint32_t samples) {
    blocks_.push_back(Block(first, samples));
    const std::string bytes = EncodeScores(blocks_.back());
    const std::string name = ToHex(Sha256Of(bytes));
    blobs_.Put(name, bytes);
    shards_.push_back({static_cast<std::uint32_t>(shards_.size()), blocks_.back().samples, name});
  }

  MemoryBlobStore blobs_;
  std::vector<ScoreBlock> blocks_;
  std::vector<ResultShard> shards_;
};

TEST_F(JobSamplesTest, TheirMeanIsThePattern) {
  for (const LossScale scale : {LossScale::kPerSampleMean, LossScale::kSum, LossScale::kBatchTokenMean}) {
    for (const HeadAxis axis : {HeadAxis::kQuery, HeadAxis::kKvGroup}) {
      ReductionOptions reduction;
      reduction.loss_scale = scale;
      reduction.head_axis = axis;
      auto accumulator = *PatternAccumulator::Make(reduction, {2, 4, 2});
      for (const ScoreBlock& block : blocks_) ASSERT_THAT(accumulator.Add(block), IsOk());
      const auto pattern = accumulator.Finish();
      auto samples = JobSamples::Open(blobs_, shards_, reduction, 2);
      ASSERT_THAT(samples, IsOk());
      EXPECT_EQ(samples->count(), 7u);
      std::vector<double> mean(pattern->values.size());
      while (*samples->Next()) {
        for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += samples->scores()[i] / 7;
      }
      for (std::size_t i = 0; i < mean.size(); ++i) EXPECT_NEAR(mean[i], pattern->values[i], 1e-14);
    }
  }
}

TEST_F(JobSamplesTest, PositionsAreThoseOfTheDataset) {
  auto samples = JobSamples::Open(blobs_, shards_, {}, 0);
  std::vector<std::uint32_t> indices;
  while (*samples->Next()) indices.push_back(samples->index());
  EXPECT_EQ(indices, (std::vector<std::uint32_t>{0, 1, 2, 5, 6, 7, 8}));
  EXPECT_FALSE(*samples->Next());
}

TEST_F(JobSamplesTest, MissingBytesAreAnError) {
  blobs_.Remove(shards_[1].blob).IgnoreError();
  auto samples = JobSamples::Open(blobs_, shards_, {}, 0);
  ASSERT_THAT(samples, IsOk());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(*samples->Next());
  EXPECT_TRUE(absl::IsNotFound(samples->Next().status()));
}

}  // namespace
}  // namespace headscope::server
