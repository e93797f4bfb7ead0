#include "server/jobs/shard_rules.h"

#include <gmock/gmock.h>

#include "proto/support/limits.h"
#include "server/jobs/backoff.h"
#include "server/jobs/shard_id.h"
#include "tests/fakes/seeded_random.h"

namespace headscope::server {
namespace {

using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1000);

Shard Leased() {
  Shard shard;
  shard.id = "j-1.s0";
  shard.state = ShardState::kLeased;
  shard.fence = 7;
  shard.batch_tokens = 1024;
  return shard;
}

ShardVerdict Fail(const Shard& shard, const ShardFailure& failure) {
  ConstantRandom random(std::uint64_t{1} << 63);
  return AfterFailure(shard, failure, /*max_attempts=*/3, kNow, random);
}

TEST(AfterFailureTest, CountsTheAttemptAndBacksOff) {
  const ShardVerdict verdict = Fail(Leased(), {{"INTERNAL", "why"}, true, std::nullopt});
  EXPECT_EQ(verdict.job_failure, std::nullopt);
  EXPECT_EQ(verdict.shard.state, ShardState::kQueued);
  EXPECT_EQ(verdict.shard.attempts, 1);
  EXPECT_EQ(verdict.shard.fence, 7);
  EXPECT_EQ(verdict.shard.run_after, kNow + absl::Seconds(1));
}

TEST(AfterFailureTest, TheLastAttemptFailsTheJob) {
  Shard shard = Leased();
  shard.attempts = 2;
  const ShardVerdict verdict = Fail(shard, {{"INTERNAL", "why"}, true, std::nullopt});
  ASSERT_TRUE(verdict.job_failure.has_value());
  EXPECT_EQ(verdict.job_failure->reason, "MAX_ATTEMPTS_EXCEEDED");
  EXPECT_THAT(verdict.job_failure->message, HasSubstr("shard j-1.s0 failed 3 times, 3 are allowed"));
}

TEST(AfterFailureTest, AFailureForGoodFailsTheJobAtOnce) {
  const ShardVerdict verdict = Fail(Leased(), {{"MODEL_UNSUPPORTED", "why"}, false, std::nullopt});
  ASSERT_TRUE(verdict.job_failure.has_value());
  EXPECT_EQ(verdict.job_failure->reason, "MODEL_UNSUPPORTED");
  EXPECT_EQ(verdict.job_failure->message, "why");
}

TEST(AfterFailureTest, ASuggestedBudgetOnlyShrinksAndHasAFloor) {
  const auto budget = [](std::uint32_t suggested) {
    return Fail(Leased(), {{"OUT_OF_MEMORY", ""}, true, suggested}).shard.batch_tokens;
  };
  EXPECT_EQ(budget(512), 512);
  EXPECT_EQ(budget(4096), 1024);
  EXPECT_EQ(budget(0), kMinBatchTokens);
}

TEST(AfterWorkerDeathTest, IsNotAnAttemptButTooManyPoisonTheJob) {
  Shard shard = Leased();
  const DeathLimits limits{5, absl::Minutes(10)};
  for (std::uint32_t death = 1; death <= limits.deaths; ++death) {
    const ShardVerdict verdict = AfterWorkerDeath(shard, limits);
    EXPECT_EQ(verdict.shard.attempts, 0);
    EXPECT_EQ(verdict.shard.fence, 7 + death);
    EXPECT_EQ(verdict.shard.run_after, kNoBackoff);
    EXPECT_EQ(verdict.job_failure.has_value(), death == limits.deaths);
    shard = verdict.shard;
  }
}

TEST(AfterReleaseTest, OnlyATakenShardShutsItsHolderOut) {
  EXPECT_EQ(AfterRelease(Leased(), /*taken=*/false).fence, 7);
  EXPECT_EQ(AfterRelease(Leased(), /*taken=*/true).fence, 8);
  EXPECT_EQ(AfterRelease(Leased(), /*taken=*/true).state, ShardState::kQueued);
}

TEST(ShardIdTest, IsReadBack) {
  for (const char* text : {"j-1.p0", "j-1.s17", "a.b.s4294967295"}) {
    const auto id = ParseShardId(text);
    ASSERT_TRUE(id.has_value()) << text;
    EXPECT_EQ(FormatShardId(*id), text);
  }
  EXPECT_EQ(ParseShardId("j-1.s17")->job, "j-1");
  EXPECT_EQ(ParseShardId("j-1.s17")->phase, Phase::kScore);
}

TEST(ShardIdTest, NothingElseIsOne) {
  for (const char* text :
       {"", ".", "j", "j.", "j.s", "j.x1", ".s1", "j.s-1", "j.s01", "j.s1 ", "j.s4294967296", "j.s1x"}) {
    EXPECT_EQ(ParseShardId(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace headscope::server
