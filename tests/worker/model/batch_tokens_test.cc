#include "worker/model/batch_tokens.h"

#include <gtest/gtest.h>

namespace headscope::worker {
namespace {

constexpr std::int64_t kMebibyte = 1 << 20;

// GPT-2 small's sizes.
DecoderSpec Small() {
  DecoderSpec spec;
  spec.layers = 12;
  spec.heads = spec.kv_heads = 12;
  spec.head_dim = 64;
  spec.width = 768;
  spec.mlp_width = 3072;
  spec.gated_mlp = false;
  return spec;
}

TEST(RecommendBatchTokensTest, FillsTheCacheOfACpuWithinBounds) {
  EXPECT_EQ(RecommendBatchTokens(Small(), "cpu", 0), 512u) << "unknown";
  EXPECT_EQ(RecommendBatchTokens(Small(), "cpu", kMebibyte), 512u);
  EXPECT_EQ(RecommendBatchTokens(Small(), "cpu", 8 * kMebibyte), 640u) << "8 MiB / 12 KiB, in steps of 128";
  EXPECT_EQ(RecommendBatchTokens(Small(), "cpu", 32 * kMebibyte), 1024u);
}

TEST(RecommendBatchTokensTest, KeepsAllActivationsOfALargeModelWhereItCan) {
  DecoderSpec spec = Small();
  spec.layers = 32;
  spec.heads = 32;
  spec.kv_heads = 8;
  spec.head_dim = 128;
  spec.width = 4096;
  spec.mlp_width = 14336;
  spec.gated_mlp = true;
  // 1 GiB for 32 layers of 2 x 4096 normed, 2 x 4096 of query and z, 2 x 1024, 2 x 14336 and some floats a token.
  EXPECT_EQ(RecommendBatchTokens(spec, "cpu", 32 * kMebibyte), 128u);
  spec.layers = 8;
  EXPECT_EQ(RecommendBatchTokens(spec, "cpu", 32 * kMebibyte), 512u);
}

TEST(RecommendBatchTokensTest, GivesACudaDeviceMoreRowsTheNarrowerTheModel) {
  DecoderSpec spec = Small();
  EXPECT_EQ(RecommendBatchTokens(spec, "cuda:0", 0), 10880u);
  spec.width = 64;
  EXPECT_EQ(RecommendBatchTokens(spec, "cuda:0", 0), 16384u);
  spec.width = 8192;
  EXPECT_EQ(RecommendBatchTokens(spec, "cuda:1", 0), 2048u);
}

TEST(LastLevelCacheBytesTest, IsUnknownOrThatOfACache) {
  const std::int64_t bytes = LastLevelCacheBytes();
  EXPECT_TRUE(bytes == 0 || bytes >= (16 << 10)) << bytes;
}

}  // namespace
}  // namespace headscope::worker
