#include "server/jobs/planning.h"

#include <algorithm>

#include <gmock/gmock.h>

namespace headscope::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<PreparedSample> Samples(const std::vector<std::uint32_t>& tokens) {
  std::vector<PreparedSample> samples;
  for (std::uint32_t i = 0; i < tokens.size(); ++i) samples.push_back({2 * i, tokens[i], 1});
  return samples;
}

std::vector<std::vector<std::uint32_t>> SamplesOf(const std::vector<PlannedShard>& shards) {
  std::vector<std::vector<std::uint32_t>> samples;
  for (const PlannedShard& shard : shards) samples.push_back(shard.samples);
  return samples;
}

TEST(PlanPrepareShardsTest, CutsRunsOfOneSize) {
  EXPECT_THAT(PlanPrepareShards(0), IsEmpty());
  const auto shards = PlanPrepareShards(2 * kPrepareShardSamples + 1);
  ASSERT_THAT(shards, SizeIs(3));
  EXPECT_THAT(shards[0].samples, SizeIs(kPrepareShardSamples));
  EXPECT_EQ(shards[1].samples.front(), kPrepareShardSamples);
  EXPECT_THAT(shards[2].samples, ElementsAre(2 * kPrepareShardSamples));
  EXPECT_THAT(PlanPrepareShards(2 * kPrepareShardSamples), SizeIs(2));
}

TEST(PlanScoreShardsTest, CutsAtTheTokenLimit) {
  ScoreLimits limits;
  limits.tokens = {.most = 10, .least = 10};
  const auto shards = PlanScoreShards(Samples({4, 6, 1, 9, 1}), limits);
  EXPECT_THAT(SamplesOf(shards), ElementsAre(ElementsAre(0, 2), ElementsAre(4, 6), ElementsAre(8)));
  EXPECT_EQ(shards[0].tokens, 10);
  EXPECT_EQ(shards[2].tokens, 1);
}

TEST(PlanScoreShardsTest, ASampleBeyondTheLimitIsAShardOfItsOwn) {
  ScoreLimits limits;
  limits.tokens = {.most = 10, .least = 10};
  EXPECT_THAT(SamplesOf(PlanScoreShards(Samples({99, 1, 99, 99}), limits)),
              ElementsAre(ElementsAre(0), ElementsAre(2), ElementsAre(4), ElementsAre(6)));
}

TEST(PlanScoreShardsTest, CutsAtTheSampleLimit) {
  ScoreLimits limits;
  limits.samples = 2;
  EXPECT_THAT(SamplesOf(PlanScoreShards(Samples({1, 1, 1}), limits)), ElementsAre(ElementsAre(0, 2), ElementsAre(4)));
}

TEST(PlanScoreShardsTest, CutsAtTheResultsBytes) {
  ScoreLimits limits;
  limits.result_bytes = 250;
  limits.bytes_per_sample = 100;
  EXPECT_THAT(SamplesOf(PlanScoreShards(Samples({1, 1, 1}), limits)), ElementsAre(ElementsAre(0, 2), ElementsAre(4)));
  limits.bytes_per_sample = 1000;
  EXPECT_THAT(PlanScoreShards(Samples({1, 1, 1}), limits), SizeIs(3));
}

TEST(PlanScoreShardsTest, RecordedTokensCountAmongTheResultsBytes) {
  ScoreLimits limits;
  limits.result_bytes = 250;
  limits.bytes_per_sample = 50;
  limits.bytes_per_token = 10;
  EXPECT_THAT(SamplesOf(PlanScoreShards(Samples({5, 10, 1, 99, 1}), limits)),
              ElementsAre(ElementsAre(0, 2), ElementsAre(4), ElementsAre(6), ElementsAre(8)));
}

TEST(PlanScoreShardsTest, NoSamplesNoShards) { EXPECT_THAT(PlanScoreShards({}, {}), IsEmpty()); }

TEST(PlanScoreShardsTest, EachTakesItsPartOfTheRestInWholeBatches) {
  ScoreLimits limits;
  limits.tokens = {.most = 8'000, .least = 1'000};
  std::vector<std::uint64_t> expected;
  std::uint64_t left = 300'000;
  while (left > 0) {
    const std::uint64_t batches = std::clamp<std::uint64_t>(left / kShardsOfTheRest / 1'000, 1, 8);
    expected.push_back(std::min(left, batches * 1'000));
    left -= expected.back();
  }
  std::vector<std::uint64_t> tokens;
  for (const PlannedShard& shard : PlanScoreShards(Samples(std::vector<std::uint32_t>(3'000, 100)), limits)) {
    tokens.push_back(shard.tokens);
  }
  EXPECT_EQ(tokens, expected);
  EXPECT_EQ(tokens.front(), 8'000) << "at most so many";
  EXPECT_EQ(tokens.back(), 1'000) << "not into crumbs";
}

TEST(PlanScoreShardsTest, AJobOfLessThanABatchIsOneShard) {
  EXPECT_THAT(SamplesOf(PlanScoreShards(Samples({100, 200, 300}), {})), ElementsAre(ElementsAre(0, 2, 4)));
}

TEST(PlanScoreShardsTest, AHugeSampleStandsAloneWhereverItIs) {
  EXPECT_THAT(SamplesOf(PlanScoreShards(Samples({100, 4'000'000'000, 100}), {})),
              ElementsAre(ElementsAre(0), ElementsAre(2), ElementsAre(4)));
}

TEST(ShardTokensTest, GrowWithTheBatches) {
  EXPECT_EQ(ShardTokensFor(512).least, kMinShardTokens);
  EXPECT_EQ(ShardTokensFor(512).most, kShardTokens);
  EXPECT_EQ(ShardTokensFor(16 * 1024).least, 16 * 1024) << "a batch at least";
  EXPECT_EQ(ShardTokensFor(16 * 1024).most, 64 * 1024);
  EXPECT_EQ(ShardTokensFor(kMaxBatchTokens).least, kMaxShardTokens);
  EXPECT_EQ(ShardTokensFor(kMaxBatchTokens).most, kMaxShardTokens);
}

TEST(ResultBytesPerSampleTest, CountsPlanesAndWhatGoesWithThem) {
  EXPECT_EQ(ResultBytesPerSample(2, 3, 4), 2 * 3 * 4 * 4 + 20);
  EXPECT_EQ(ResultBytesPerSample(4'000'000'000, 100, 4), std::uint64_t{4'000'000'000} * 100 * 16 + 20);
}

TEST(ResolveBatchTokensTest, TakesWhatWasAskedForOrWhatWorkersRecommend) {
  EXPECT_EQ(ResolveBatchTokens(64, 512), 64);
  EXPECT_EQ(ResolveBatchTokens(std::nullopt, 512), 512);
  EXPECT_EQ(ResolveBatchTokens(std::nullopt, 0), kDefaultBatchTokens);
}

TEST(ResolveBatchTokensTest, KeepsRecommendationsWithinTheLimits) {
  EXPECT_EQ(ResolveBatchTokens(std::nullopt, 1), kMinBatchTokens);
  EXPECT_EQ(ResolveBatchTokens(std::nullopt, 4'000'000'000), kMaxBatchTokens);
}

}  // namespace
}  // namespace headscope::server
