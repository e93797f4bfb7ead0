#include "server/jobs/scores.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/fakes/status_matchers.h"

namespace headscope::server {
namespace {

using absl::StatusCode;

// Two layers, three heads; every number tells where it belongs.
ScoreBlock Block(const std::vector<std::uint32_t>& samples) {
  ScoreBlock block;
  block.layers = 2;
  block.heads = 3;
  block.samples = samples;
  for (const std::uint32_t sample : samples) {
    block.tokens.push_back(sample + 10);
    block.response_tokens.push_back(sample + 5);
    block.objective.push_back(sample / 7.0);
    for (const char* plane : {"absolute", "signed"}) {
      for (int head = 0; head < 6; ++head) {
        block.planes[plane].push_back(static_cast<float>(sample) * 100 + static_cast<float>(head) +
                                      (plane[0] == 's' ? 0.5f : 0));
      }
    }
  }
  return block;
}

void ExpectEqual(const ScoreBlock& left, const ScoreBlock& right) {
  EXPECT_EQ(left.samples, right.samples);
  EXPECT_EQ(left.tokens, right.tokens);
  EXPECT_EQ(left.response_tokens, right.response_tokens);
  EXPECT_EQ(left.objective, right.objective);
  EXPECT_EQ(left.layers, right.layers);
  EXPECT_EQ(left.heads, right.heads);
  EXPECT_EQ(left.planes, right.planes);
}

TEST(ScoresCodecTest, ABlockComesBack) {
  const auto decoded = DecodeScores(EncodeScores(Block({3, 5, 900})));
  ASSERT_THAT(decoded, IsOk());
  ExpectEqual(*decoded, Block({3, 5, 900}));
}

TEST(ScoresCodecTest, TheLayoutIsTheDocumentedOne) {
  const std::string bytes = EncodeScores(Block({3}));
  EXPECT_EQ(bytes.substr(0, 8), std::string("HSS1\1\0\0\0", 8));
  EXPECT_EQ(bytes.size(), 4 + 16 + 12 + 8 + (4 + 8 + 24) + (4 + 6 + 24));
  EXPECT_EQ(bytes.substr(44, 8), "absolute");
}

TEST(ScoresCodecTest, EveryCutIsNoticed) {
  const std::string bytes = EncodeScores(Block({3, 5}));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(DecodeScores(bytes.substr(0, size)), IsError(StatusCode::kDataLoss, "")) << size;
  }
  EXPECT_THAT(DecodeScores(bytes + "x"), IsError(StatusCode::kDataLoss, ""));
}

TEST(ScoresCodecTest, HugeCountsTakeNoMemory) {
  std::string bytes = EncodeScores(Block({3}));
  for (const std::size_t field : {4u, 8u, 12u, 16u}) {
    std::string hostile = bytes;
    hostile.replace(field, 4, "\xff\xff\xff\xff");
    EXPECT_THAT(DecodeScores(hostile), IsError(StatusCode::kDataLoss, "")) << field;
  }
  bytes.replace(8, 8, "\xff\xff\xff\xff\xff\xff\xff\xff");
  EXPECT_THAT(DecodeScores(bytes), IsError(StatusCode::kDataLoss, ""));
}

TEST(CheckScoreBlockTest, ArraysMustAgreeInLength) {
  EXPECT_THAT(CheckScoreBlock(Block({1, 2})), IsOk());
  const auto refused = IsError(StatusCode::kInvalidArgument, "");
  ScoreBlock block = Block({1, 2});
  block.tokens.pop_back();
  EXPECT_THAT(CheckScoreBlock(block), refused);
  block = Block({1, 2});
  block.planes["signed"].pop_back();
  EXPECT_THAT(CheckScoreBlock(block), refused);
  block = Block({1, 2});
  block.planes["signed"].resize(6);
  EXPECT_THAT(CheckScoreBlock(block), refused);
  block = Block({1, 2});
  block.planes.clear();
  EXPECT_THAT(CheckScoreBlock(block), refused);
  block = Block({1, 2});
  block.layers = 0;
  EXPECT_THAT(CheckScoreBlock(block), refused);
}

TEST(CheckScoreBlockTest, NumbersMustBeFinite) {
  const auto refused = IsError(StatusCode::kInvalidArgument, "");
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    ScoreBlock block = Block({1, 2});
    block.planes["signed"][7] = bad;
    EXPECT_THAT(CheckScoreBlock(block), refused);
    block = Block({1, 2});
    block.objective[1] = bad;
    EXPECT_THAT(CheckScoreBlock(block), refused);
  }
}

TEST(MergeScoresTest, BlocksInAnyOrderBecomeOneInDatasetOrder) {
  const auto merged = MergeScores({Block({9, 4}), Block({1}), Block({7, 12})}, {1, 4, 7, 9, 12});
  ASSERT_THAT(merged, IsOk());
  ExpectEqual(*merged, Block({1, 4, 7, 9, 12}));
}

TEST(MergeScoresTest, OneWholeBlockStaysAsItIs) { ExpectEqual(*MergeScores({Block({1, 4})}, {1, 4}), Block({1, 4})); }

TEST(MergeScoresTest, EverySampleMustBeThereOnce) {
  const auto refused = IsError(StatusCode::kInvalidArgument, "");
  EXPECT_THAT(MergeScores({}, {}), refused);
  EXPECT_THAT(MergeScores({Block({1})}, {1, 2}), refused);
  EXPECT_THAT(MergeScores({Block({1, 2, 3})}, {1, 2}), refused);
  EXPECT_THAT(MergeScores({Block({1, 2}), Block({2})}, {1, 2}), refused);
}

TEST(MergeScoresTest, BlocksMustBeOfOneKind) {
  const auto refused = IsError(StatusCode::kInvalidArgument, "");
  ScoreBlock other = Block({2});
  other.layers = 3;
  other.heads = 2;
  EXPECT_THAT(MergeScores({Block({1}), other}, {1, 2}), refused);
  other = Block({2});
  other.planes.erase("signed");
  EXPECT_THAT(MergeScores({Block({1}), other}, {1, 2}), refused);
  other.planes["unsigned"] = std::vector<float>(6);
  EXPECT_THAT(MergeScores({Block({1}), other}, {1, 2}), refused);
}

}  // namespace
}  // namespace headscope::server
