#include "server/jobs/backoff.h"

#include <gtest/gtest.h>

#include "tests/fakes/seeded_random.h"

namespace headscope::server {
namespace {

TEST(BackoffTest, DoublesUpToItsCap) {
  // Half of the range: a factor of one.
  ConstantRandom middle(std::uint64_t{1} << 63);
  EXPECT_EQ(Backoff(1, middle), absl::Seconds(1));
  EXPECT_EQ(Backoff(2, middle), absl::Seconds(2));
  EXPECT_EQ(Backoff(6, middle), absl::Seconds(32));
  EXPECT_EQ(Backoff(7, middle), absl::Seconds(60));
  EXPECT_EQ(Backoff(4'000'000'000, middle), absl::Seconds(60));
}

TEST(BackoffTest, IsSpreadByHalfEitherWay) {
  ConstantRandom lowest(0);
  ConstantRandom highest(~std::uint64_t{0});
  EXPECT_EQ(Backoff(1, lowest), absl::Milliseconds(500));
  EXPECT_GT(Backoff(1, highest), absl::Milliseconds(1499));
  EXPECT_LE(Backoff(1, highest), absl::Milliseconds(1500)) << "rounded to the clock's quarter nanoseconds";
}

TEST(BackoffTest, OnlyATimeThatABackoffCanReachHoldsAShardBack) {
  const absl::Time now = absl::FromUnixSeconds(1'700'000'000);
  EXPECT_FALSE(IsBackingOff(kNoBackoff, now));
  EXPECT_FALSE(IsBackingOff(kNoBackoff, kNoBackoff)) << "on a machine whose clock was never set";
  EXPECT_FALSE(IsBackingOff(now, now));
  EXPECT_TRUE(IsBackingOff(now + absl::Seconds(1), now));
  EXPECT_TRUE(IsBackingOff(now + 2 * kBackoffCap, now));
  EXPECT_FALSE(IsBackingOff(now + absl::Hours(24), now)) << "written before the clock was set back";
}

}  // namespace
}  // namespace headscope::server
