#include "worker/link/shard_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/support/limits.h"
#include "proto/support/utf8.h"
#include "proto/support/wire/block_digest.h"
#include "proto/support/wire/tensor_codec.h"

namespace headscope::worker {
namespace {

using testing::ElementsAre;
using testing::SizeIs;
using Parts = std::vector<v1::CompleteShardRequest>;

// Every part fits into a block; header first, commit last with the digest of what lies between.
void CheckParts(const Parts& parts) {
  ASSERT_GE(parts.size(), 2u);
  EXPECT_TRUE(parts.front().has_header());
  ASSERT_TRUE(parts.back().has_commit());
  BlockDigest digest;
  for (std::size_t i = 1; i + 1 < parts.size(); ++i) {
    EXPECT_LT(parts[i].ByteSizeLong(), kMaxBlockBytes);
    if (parts[i].has_scores()) digest.Add(parts[i].scores());
    if (parts[i].has_prepared()) digest.Add(parts[i].prepared());
    if (parts[i].has_tokens()) digest.Add(parts[i].tokens());
    if (parts[i].has_tokenized()) digest.Add(parts[i].tokenized());
  }
  EXPECT_EQ(parts.back().commit().sha256(), digest.Finish());
}

TEST(ShardCodecTest, FillsInWhatAShardLeavesOpen) {
  v1::Shard shard;
  shard.set_model("m");
  shard.set_batch_tokens(512);
  const ShardInput input = FromProto(shard);
  EXPECT_EQ(input.compute.method, "gradient");
  EXPECT_EQ(input.compute.engine, "fast");
  EXPECT_EQ(input.compute.dtype, "float32");
  EXPECT_TRUE(input.compute.append_eos);
  EXPECT_FALSE(input.compute.max_tokens.has_value());
  EXPECT_FALSE(input.compute.record_tokens);
  EXPECT_EQ(input.batch_tokens, 512u);
}

TEST(ShardCodecTest, TakesOverWhatAShardSays) {
  v1::Shard shard;
  shard.mutable_compute()->set_dtype(headscope::v1::DTYPE_FLOAT64);
  shard.mutable_compute()->set_engine(headscope::v1::ENGINE_REFERENCE);
  shard.mutable_compute()->set_append_eos(false);
  shard.mutable_compute()->set_max_tokens(7);
  shard.mutable_compute()->set_record_tokens(true);
  const ShardInput input = FromProto(shard);
  EXPECT_EQ(input.compute.dtype, "float64");
  EXPECT_EQ(input.compute.engine, "reference");
  EXPECT_FALSE(input.compute.append_eos);
  EXPECT_EQ(input.compute.max_tokens, 7u);
  EXPECT_TRUE(input.compute.record_tokens);
}

TEST(ShardCodecTest, NamesAnEngineOfANewerServerSoThatItIsRefused) {
  v1::Shard shard;
  shard.mutable_compute()->set_engine(static_cast<headscope::v1::Engine>(99));
  EXPECT_EQ(FromProto(shard).compute.engine, "engine 99");
}

TEST(ShardCodecTest, CutsScoresIntoBlocks) {
  // 64 x 32 heads and four planes: 32 KiB a sample.
  ScoreResult result = {.model_digest = std::string(32, 'd'), .batch_tokens = 64, .layers = 64, .heads = 32};
  const std::size_t matrix = 64 * 32;
  for (std::uint32_t sample = 0; sample < 120; ++sample) {
    result.samples.push_back(sample);
    result.tokens.push_back(sample + 2);
    result.response_tokens.push_back(1);
    result.objective.push_back(sample * 0.5);
  }
  for (const char* name : {"a", "b", "c", "d"}) {
    std::vector<float>& plane = result.planes[name];
    for (std::size_t i = 0; i < 120 * matrix; ++i) plane.push_back(static_cast<float>(i) + name[0]);
  }
  const Parts parts = ToParts(v1::CompleteShardRequest::Header(), result);
  CheckParts(parts);
  EXPECT_GT(parts.size(), 4u);
  EXPECT_EQ(parts[0].header().batch_tokens(), 64u);
  std::size_t next = 0;
  for (std::size_t i = 1; i + 1 < parts.size(); ++i) {
    const v1::ScoreBlock& block = parts[i].scores();
    for (int sample = 0; sample < block.samples_size(); ++sample) EXPECT_EQ(block.samples(sample), next + sample);
    const auto values = DecodeFloat32(block.planes().at("c")).value();
    EXPECT_EQ(values.front(), static_cast<float>(next * matrix) + 'c');
    next += block.samples_size();
  }
  EXPECT_EQ(next, 120u);
}

// One sample's tokens may not fit into one block.
TEST(ShardCodecTest, CutsRecordedTokensIntoBlocks) {
  for (const bool with_strings : {true, false}) {
    ScoreResult result = {.layers = 1, .heads = 1, .samples = {0}, .tokens = {400'000}, .response_tokens = {399'999}};
    result.objective = {1};
    result.planes["a"] = {1};
    TokenRecord& record = result.recorded.emplace();
    for (std::uint32_t token = 0; token < 400'000; ++token) {
      record.ids.push_back(token * 5000);
      record.response_mask.push_back(token == 0 ? '\0' : '\1');
      if (with_strings) record.strings.push_back(std::string(token % 16, 's'));
    }
    const Parts parts = ToParts(v1::CompleteShardRequest::Header(), result);
    CheckParts(parts);
    EXPECT_GT(parts.size(), 5u);
    EXPECT_TRUE(parts[1].has_scores());
    TokenRecord arrived;
    for (const auto& part : parts) {
      if (!part.has_tokens()) continue;
      arrived.ids.insert(arrived.ids.end(), part.tokens().ids().begin(), part.tokens().ids().end());
      arrived.response_mask += part.tokens().response_mask();
      arrived.strings.insert(arrived.strings.end(), part.tokens().strings().begin(), part.tokens().strings().end());
    }
    EXPECT_EQ(arrived.ids, record.ids);
    EXPECT_EQ(arrived.response_mask, record.response_mask);
    EXPECT_EQ(arrived.strings, record.strings);
  }
}

TEST(ShardCodecTest, CutsPreparedSamplesIntoBlocks) {
  PrepareResult result = {.model_digest = std::string(32, 'd')};
  for (std::uint32_t index = 0; index < 4096; ++index) {
    if (index % 2 == 0) {
      result.valid.push_back({index, 10, 5});
    } else {
      result.invalid.push_back({index, std::string(256, 'i'), "TOO_LONG", std::string(5000, 'm')});
    }
  }
  const Parts parts = ToParts(v1::CompleteShardRequest::Header(), result);
  CheckParts(parts);
  EXPECT_GT(parts.size(), 4u);
  int valid = 0;
  int invalid = 0;
  for (const auto& part : parts) {
    valid += part.prepared().samples_size();
    invalid += part.prepared().invalid_size();
  }
  EXPECT_EQ(valid, 2048);
  EXPECT_EQ(invalid, 2048);
}

TEST(ShardCodecTest, AnEmptyResultHasACommitOnly) {
  EXPECT_THAT(ToParts(v1::CompleteShardRequest::Header(), PrepareResult()), SizeIs(2));
}

TEST(ShardCodecTest, CutsATokenizedTextBetweenCharacters) {
  TokenizeResult result;
  for (int i = 0; i < 600'000; ++i) {
    result.ids.push_back(static_cast<std::uint32_t>(i));
    result.tokens.push_back("x");
    result.text += "\u20ac";
  }
  result.prompt_tokens = 9;
  const Parts parts = ToParts(v1::CompleteShardRequest::Header(), result);
  CheckParts(parts);
  std::string text;
  std::size_t ids = 0;
  for (std::size_t i = 1; i + 1 < parts.size(); ++i) {
    const v1::TokenizeBlock& block = parts[i].tokenized();
    EXPECT_TRUE(IsUtf8(block.text()));
    EXPECT_EQ(block.has_prompt_tokens(), i == 1);
    text += block.text();
    ids += block.ids_size();
  }
  EXPECT_EQ(text, result.text);
  EXPECT_EQ(ids, result.ids.size());
}

TEST(ShardCodecTest, SaysAFailureInFull) {
  v1::FailShardRequest request;
  FillFailure({.reason = "OUT_OF_MEMORY", .message = "no\xff room", .retryable = true, .suggested_batch_tokens = 64},
              request);
  EXPECT_EQ(request.failure().reason(), "OUT_OF_MEMORY");
  EXPECT_EQ(request.failure().message(), "no? room");
  EXPECT_TRUE(request.retryable());
  EXPECT_EQ(request.suggested_batch_tokens(), 64u);
}

}  // namespace
}  // namespace headscope::worker
