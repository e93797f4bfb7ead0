#include "worker/runtime/compute_turn.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace headscope::worker {
namespace {

bool Never() { return false; }

TEST(ComputeTurnTest, IsOnesAtATime) {
  ComputeTurn turn;
  ASSERT_TRUE(turn.Take(Never));
  std::atomic<bool> given = false;
  std::thread next([&] {
    EXPECT_TRUE(turn.Take(Never));
    EXPECT_TRUE(given);
    turn.Give();
  });
  given = true;
  turn.Give();
  next.join();
}

TEST(ComputeTurnTest, IsNotWaitedForBeyondAStop) {
  ComputeTurn turn;
  ASSERT_TRUE(turn.Take(Never));
  std::atomic<int> asked = 0;
  EXPECT_FALSE(turn.Take([&] { return ++asked == 2; }));
  turn.Give();
  EXPECT_FALSE(turn.Take([] { return true; })) << "stopped comes before free";
  EXPECT_TRUE(turn.Take(Never));
}

}  // namespace
}  // namespace headscope::worker
