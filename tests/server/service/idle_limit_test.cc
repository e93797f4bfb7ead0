#include "server/service/idle_limit.h"

#include <gtest/gtest.h>

namespace headscope::server {
namespace {

using std::chrono::seconds;

const IdleLimit::Time kStart{seconds(1000)};

TEST(IdleLimitTest, AWaitUsesTheLimitUp) {
  IdleLimit limit(seconds(60));
  limit.Wait(kStart);
  EXPECT_EQ(limit.Left(kStart + seconds(45)), seconds(15));
  EXPECT_EQ(limit.Left(kStart + seconds(60)), seconds(0));
  EXPECT_EQ(limit.Left(kStart + seconds(100)), seconds(0));
}

TEST(IdleLimitTest, EveryWaitHasTheWholeLimit) {
  IdleLimit limit(seconds(60));
  limit.Wait(kStart);
  limit.Came();
  limit.Wait(kStart + seconds(59));
  EXPECT_EQ(limit.Left(kStart + seconds(61)), seconds(58));
}

TEST(IdleLimitTest, WhileNothingIsAwaitedNothingIsUsedUp) {
  IdleLimit limit(seconds(60));
  EXPECT_EQ(limit.Left(kStart), seconds(60));
  limit.Wait(kStart);
  limit.Came();
  EXPECT_EQ(limit.Left(kStart + seconds(1000)), seconds(60));
}

}  // namespace
}  // namespace headscope::server
