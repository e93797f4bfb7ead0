#include "worker/runtime/batcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace headscope::worker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Batches = std::vector<std::vector<std::size_t>>;

std::uint64_t Longest(const std::vector<std::size_t>& batch, const std::vector<std::uint32_t>& counts) {
  std::uint64_t longest = 0;
  for (const std::size_t sample : batch) longest = std::max<std::uint64_t>(longest, counts[sample]);
  return longest;
}

TEST(PlanBatchesTest, OrdersByLengthThenPosition) {
  const std::vector<std::uint32_t> counts = {5, 3, 5, 3, 4};
  EXPECT_THAT(PlanBatches(counts, 8), ElementsAre(ElementsAre(1, 3), ElementsAre(4), ElementsAre(0), ElementsAre(2)));
  EXPECT_THAT(PlanBatches(counts, 100), ElementsAre(ElementsAre(1, 3, 4, 0, 2)));
}

TEST(PlanBatchesTest, CountsPaddingAgainstTheBudget) {
  // Three samples of 2, 2 and 4 tokens: 8 tokens, 12 with padding.
  const std::vector<std::uint32_t> counts = {2, 2, 4};
  EXPECT_THAT(PlanBatches(counts, 11), ElementsAre(ElementsAre(0, 1), ElementsAre(2)));
  EXPECT_THAT(PlanBatches(counts, 12), ElementsAre(ElementsAre(0, 1, 2)));
}

TEST(PlanBatchesTest, LeavesATooLongSampleAlone) {
  const std::vector<std::uint32_t> counts = {50, 2, 60};
  EXPECT_THAT(PlanBatches(counts, 16), ElementsAre(ElementsAre(1), ElementsAre(0), ElementsAre(2)));
}

TEST(PlanBatchesTest, PlansNothingForNothing) { EXPECT_THAT(PlanBatches({}, 16), IsEmpty()); }

TEST(PlanBatchesTest, KeepsItsPromisesOnRandomLengths) {
  std::mt19937 random(20240915);
  for (int round = 0; round < 200; ++round) {
    SCOPED_TRACE(round);
    std::vector<std::uint32_t> counts(random() % 60);
    for (std::uint32_t& count : counts) count = 1 + random() % 40;
    const std::uint32_t budget = 1 + random() % 200;
    const Batches batches = PlanBatches(counts, budget);
    EXPECT_EQ(batches, PlanBatches(counts, budget)) << "the same again";
    std::vector<bool> seen(counts.size());
    std::uint32_t previous = 0;
    for (const auto& batch : batches) {
      ASSERT_FALSE(batch.empty());
      EXPECT_TRUE(batch.size() == 1 || batch.size() * Longest(batch, counts) <= budget);
      for (const std::size_t sample : batch) {
        EXPECT_FALSE(seen[sample]);
        seen[sample] = true;
        EXPECT_GE(counts[sample], previous);
        previous = counts[sample];
      }
    }
    EXPECT_EQ(std::count(seen.begin(), seen.end(), true), static_cast<std::ptrdiff_t>(counts.size()));
    for (std::size_t i = 0; i + 1 < batches.size(); ++i) {
      EXPECT_GT((batches[i].size() + 1) * counts[batches[i + 1].front()], budget) << "batch " << i << " is not full";
    }
  }
}

}  // namespace
}  // namespace headscope::worker
