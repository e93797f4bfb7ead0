#include "proto/support/wire/block_digest.h"

#include <gtest/gtest.h>

#include "proto/support/wire/tensor_codec.h"

namespace headscope {
namespace {

worker::v1::ScoreBlock Block() {
  worker::v1::ScoreBlock block;
  block.add_samples(3);
  block.add_tokens(10);
  block.add_response_tokens(4);
  block.add_objective(1.5);
  const std::vector<float> values = {1, 2, 3, 4};
  (*block.mutable_planes())["b"] = EncodeTensor(absl::Span<const float>(values), {1, 2, 2});
  (*block.mutable_planes())["a"] = EncodeTensor(absl::Span<const float>(values), {1, 2, 2});
  return block;
}

std::string DigestOf(const worker::v1::ScoreBlock& block) {
  BlockDigest digest;
  digest.Add(block);
  return digest.Finish();
}

TEST(BlockDigestTest, EveryFieldCounts) {
  const std::string original = DigestOf(Block());
  EXPECT_EQ(DigestOf(Block()), original);
  auto changed = Block();
  changed.set_samples(0, 4);
  EXPECT_NE(DigestOf(changed), original);
  changed = Block();
  changed.set_objective(0, 1.25);
  EXPECT_NE(DigestOf(changed), original);
  changed = Block();
  (*(*changed.mutable_planes())["a"].mutable_data())[0] ^= 1;
  EXPECT_NE(DigestOf(changed), original);
  changed = Block();
  (*changed.mutable_planes())["a"].set_shape(1, 4);
  EXPECT_NE(DigestOf(changed), original);
}

TEST(BlockDigestTest, EveryFieldOfTokensCounts) {
  const auto digest_of = [](std::vector<std::uint32_t> ids, const std::string& mask, std::vector<std::string> strings) {
    worker::v1::TokenBlock block;
    block.mutable_ids()->Assign(ids.begin(), ids.end());
    block.set_response_mask(mask);
    block.mutable_strings()->Assign(strings.begin(), strings.end());
    BlockDigest digest;
    digest.Add(block);
    return digest.Finish();
  };
  const std::string original = digest_of({7, 8}, "01", {"ab", "c"});
  EXPECT_EQ(digest_of({7, 8}, "01", {"ab", "c"}), original);
  EXPECT_NE(digest_of({7, 9}, "01", {"ab", "c"}), original);
  EXPECT_NE(digest_of({7, 8}, "11", {"ab", "c"}), original);
  EXPECT_NE(digest_of({7, 8}, "01", {"a", "bc"}), original);
  EXPECT_NE(digest_of({7, 8}, "01", {}), original);
}

TEST(BlockDigestTest, OrderOfBlocksCounts) {
  worker::v1::PrepareBlock first, second;
  first.add_samples(1);
  second.add_samples(2);
  BlockDigest one, other;
  one.Add(first);
  one.Add(second);
  other.Add(second);
  other.Add(first);
  EXPECT_NE(one.Finish(), other.Finish());
}

TEST(BlockDigestTest, AbsentAndZeroPromptTokensDiffer) {
  worker::v1::TokenizeBlock absent, zero;
  zero.set_prompt_tokens(0);
  BlockDigest one, other;
  one.Add(absent);
  other.Add(zero);
  EXPECT_NE(one.Finish(), other.Finish());
}

}  // namespace
}  // namespace headscope
