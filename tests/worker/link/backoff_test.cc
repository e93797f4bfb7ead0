#include "worker/link/backoff.h"

#include <gtest/gtest.h>

namespace headscope::worker {
namespace {

TEST(BackoffTest, DoublesUpToItsLimitWithinTheJitter) {
  Backoff backoff(absl::Milliseconds(100), absl::Milliseconds(350));
  for (const int wanted : {100, 200, 350, 350}) {
    const absl::Duration wait = backoff.Next();
    EXPECT_GE(wait, absl::Milliseconds(wanted) / 2);
    EXPECT_LE(wait, absl::Milliseconds(wanted));
  }
}

TEST(BackoffTest, BeginsAgainAfterReset) {
  Backoff backoff(absl::Milliseconds(100), absl::Seconds(10));
  for (int i = 0; i < 5; ++i) backoff.Next();
  backoff.Reset();
  EXPECT_LE(backoff.Next(), absl::Milliseconds(100));
}

}  // namespace
}  // namespace headscope::worker
