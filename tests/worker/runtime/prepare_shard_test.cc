#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/runtime/runtime_fixture.h"

namespace headscope::worker {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

ShardInput Shard(const std::string& model, std::vector<Sample> samples) {
  ShardInput shard;
  shard.model = model;
  std::uint32_t index = 10;
  for (Sample& sample : samples) shard.samples.push_back({index++, std::move(sample)});
  return shard;
}

// The golden llama: 97 tokens in the vocabulary, 128 positions, end of sequence 2; ASCII below 'a' is within.
class PrepareShardTest : public testing::Test {
 protected:
  PrepareShardTest() {
    AddGoldenModel(root_, "llama", "text", true);
    AddGoldenModel(root_, "llama", "ids");
    runtime_ = std::make_unique<Runtime>(root_);
  }

  PrepareResult Prepare(const ShardInput& shard) {
    auto outcome = runtime_->session.Prepare(shard, {});
    EXPECT_TRUE(std::holds_alternative<PrepareResult>(outcome));
    return std::get<PrepareResult>(outcome);
  }
  ShardFailure Failure(const ShardInput& shard) {
    auto outcome = runtime_->session.Prepare(shard, {});
    EXPECT_TRUE(std::holds_alternative<ShardFailure>(outcome));
    return std::get<ShardFailure>(outcome);
  }
  // The reason for which the only sample is invalid.
  std::string Reason(const std::string& model, Sample sample, const ComputeRequest& compute = {}) {
    ShardInput shard = Shard(model, {std::move(sample)});
    shard.compute = compute;
    const PrepareResult result = Prepare(shard);
    EXPECT_THAT(result.invalid, SizeIs(1));
    return result.invalid.empty() ? "" : result.invalid[0].reason;
  }

  TempDirectory root_;
  std::unique_ptr<Runtime> runtime_;
};

TEST_F(PrepareShardTest, CountsTokensOfEveryKindOfRow) {
  const PrepareResult result = Prepare(Shard(
      "text", {{"pair", TextPair{"ABC", "DE"}}, {"ids", TokenIds{{1, 2, 3, 4}, 3}}, {"plain", PlainText{"ABCD"}}}));
  EXPECT_THAT(result.invalid, IsEmpty());
  EXPECT_THAT(result.model_digest, SizeIs(32));
  ASSERT_THAT(result.valid, SizeIs(3));
  EXPECT_EQ(result.valid[0].index, 10u);
  EXPECT_EQ(result.valid[0].tokens, 6u) << "three, two, end of sequence";
  EXPECT_EQ(result.valid[0].prompt_tokens, 3u);
  EXPECT_EQ(result.valid[1].tokens, 4u) << "ids stay as they are";
  EXPECT_EQ(result.valid[1].prompt_tokens, 3u);
  EXPECT_EQ(result.valid[2].tokens, 5u);
  EXPECT_EQ(result.valid[2].prompt_tokens, 1u) << "all but the first token is response";
}

TEST_F(PrepareShardTest, HonoursItsOptions) {
  ShardInput shard = Shard("text", {{"pair", TextPair{"ABC", "DEFGH"}}});
  shard.compute.append_eos = false;
  EXPECT_EQ(Prepare(shard).valid[0].tokens, 8u);
  shard.compute.max_tokens = 5;
  EXPECT_EQ(Prepare(shard).valid[0].tokens, 5u);
}

TEST_F(PrepareShardTest, NamesTheReasonOfEveryFault) {
  EXPECT_EQ(Reason("text", {"s", TextPair{"ABC", ""}}), "EMPTY_RESPONSE");
  EXPECT_EQ(Reason("text", {"s", PlainText{""}}), "EMPTY_RESPONSE");
  ComputeRequest no_end;
  no_end.append_eos = false;
  EXPECT_EQ(Reason("text", {"s", PlainText{"A"}}, no_end), "EMPTY_RESPONSE");
  ComputeRequest cut;
  cut.max_tokens = 3;
  EXPECT_EQ(Reason("text", {"s", TextPair{"ABC", "DE"}}, cut), "EMPTY_RESPONSE");
  EXPECT_EQ(Reason("text", {"s", TextPair{"ABC", std::string(125, 'A')}}), "TOO_LONG");
  EXPECT_EQ(Reason("ids", {"s", TokenIds{std::vector<std::uint32_t>(129, 5), 3}}), "TOO_LONG");
  EXPECT_EQ(Reason("ids", {"s", TokenIds{{1, 97, 3}, 1}}), "TOKEN_OUT_OF_RANGE");
  EXPECT_EQ(Reason("ids", {"s", TokenIds{{1, 4'000'000'000u, 3}, 1}}), "TOKEN_OUT_OF_RANGE");
  EXPECT_EQ(Reason("text", {"s", TextPair{"ABC", "abc"}}), "TOKEN_OUT_OF_RANGE");
  EXPECT_EQ(Reason("text", {"s", TextPair{"ABC", "\xff"}}), "INVALID_TEXT");
  EXPECT_EQ(Reason("ids", {"s", TextPair{"ABC", "DE"}}), "NO_TOKENIZER");
}

TEST_F(PrepareShardTest, NamesAMissingEndOfSequence) {
  auto config = nlohmann::json::parse(ReadFileOrDie(root_.File("text/config.json")));
  config.erase("eos_token_id");
  WriteModelFile(root_, "text", "config.json", config.dump());
  runtime_ = std::make_unique<Runtime>(root_);
  const ShardInput shard = Shard("text", {{"s", TextPair{"ABC", "DE"}}, {"t", TokenIds{{1, 2}, 1}}});
  const PrepareResult result = Prepare(shard);
  ASSERT_THAT(result.invalid, SizeIs(1));
  EXPECT_EQ(result.invalid[0].reason, "NO_END_OF_SEQUENCE");
  EXPECT_THAT(result.invalid[0].message, HasSubstr("--append-eos"));
  EXPECT_THAT(result.valid, SizeIs(1)) << "ids need none";
}

TEST_F(PrepareShardTest, ReportsEveryBadRowWithItsPlace) {
  const PrepareResult result = Prepare(Shard("ids", {{"a", TokenIds{{1, 2}, 1}},
                                                     {"b", TokenIds{{1, 99}, 1}},
                                                     {"c", TokenIds{{3, 4}, 1}},
                                                     {"d", TextPair{"X", "Y"}}}));
  EXPECT_THAT(result.valid, SizeIs(2));
  ASSERT_THAT(result.invalid, SizeIs(2));
  EXPECT_EQ(result.invalid[0].index, 11u);
  EXPECT_EQ(result.invalid[0].id, "b");
  EXPECT_THAT(result.invalid[0].message, HasSubstr("99"));
  EXPECT_EQ(result.invalid[1].id, "d");
}

TEST_F(PrepareShardTest, RefusesAnUnknownModelAndOtherContent) {
  EXPECT_EQ(Failure(Shard("gone", {})).reason, "MODEL_CHANGED");
  ShardInput pinned = Shard("ids", {{"s", TokenIds{{1, 2}, 1}}});
  pinned.model_digest = std::string(32, 'x');
  const ShardFailure failure = Failure(pinned);
  EXPECT_EQ(failure.reason, "MODEL_CHANGED");
  EXPECT_FALSE(failure.retryable);
}

TEST_F(PrepareShardTest, RefusesOptionsBeforeAnythingIsComputed) {
  ShardInput shard = Shard("ids", {{"s", TokenIds{{1, 2}, 1}}});
  shard.compute.engine = "warp";
  EXPECT_EQ(Failure(shard).reason, "INVALID_OPTIONS");
  shard.compute.engine = "reference";
  shard.compute.method = "guess";
  EXPECT_EQ(Failure(shard).reason, "INVALID_OPTIONS");
}

TEST_F(PrepareShardTest, RefusesAModelThatWillNotFit) {
  runtime_ = std::make_unique<Runtime>(root_, EngineFactory(), /*budget_bytes=*/1000);
  const ShardFailure failure = Failure(Shard("ids", {{"s", TokenIds{{1, 2}, 1}}}));
  EXPECT_EQ(failure.reason, "OUT_OF_MEMORY");
  EXPECT_FALSE(failure.retryable);
}

TEST_F(PrepareShardTest, StopsWhenCancelled) {
  const auto outcome =
      runtime_->session.Prepare(Shard("ids", {{"s", TokenIds{{1, 2}, 1}}}), {.cancelled = [] { return true; }});
  EXPECT_TRUE(std::holds_alternative<ShardStopped>(outcome));
}

}  // namespace
}  // namespace headscope::worker
