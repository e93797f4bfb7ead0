#include "worker/link/held_leases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headscope::worker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(HeldLeasesTest, AbandonsOnlyTheLeaseOfThatFence) {
  HeldLeases leases;
  const auto lease = leases.Add("s0", 4, 1);
  leases.Abandon("s0", 3);
  EXPECT_FALSE(lease->cancelled());
  leases.Abandon("s0", 4);
  EXPECT_TRUE(lease->cancelled());
  EXPECT_TRUE(lease->abandoned());
  EXPECT_THAT(leases.Held(1), IsEmpty()) << "forgotten at once";
}

TEST(HeldLeasesTest, KeepsSessionsApart) {
  HeldLeases leases;
  const auto old_one = leases.Add("s0", 1, 1);
  const auto new_one = leases.Add("s1", 2, 2);
  EXPECT_THAT(leases.Held(2), ElementsAre(new_one));
  leases.AbandonGeneration(1);
  EXPECT_TRUE(old_one->abandoned());
  EXPECT_FALSE(new_one->abandoned());
}

TEST(HeldLeasesTest, HandsBackWhatIsHeldAndWhatComesLate) {
  HeldLeases leases;
  const auto held = leases.Add("s0", 1, 1);
  leases.HandBackAll(/*hurry=*/false);
  EXPECT_TRUE(held->handing_back());
  EXPECT_FALSE(held->cancelled()) << "the batch at hand may end";
  EXPECT_TRUE(leases.Add("s1", 1, 1)->cancelled());
  leases.HandBackAll(/*hurry=*/true);
  EXPECT_TRUE(held->cancelled());
  EXPECT_FALSE(held->abandoned());
}

TEST(HeldLeasesTest, ForgetsWhatHasEnded) {
  HeldLeases leases;
  const auto lease = leases.Add("s0", 1, 1);
  lease->SetProgress(3, 40);
  EXPECT_EQ(leases.Held(1)[0]->tokens_done(), 40u);
  leases.Remove(lease);
  EXPECT_THAT(leases.Held(1), IsEmpty());
}

}  // namespace
}  // namespace headscope::worker
