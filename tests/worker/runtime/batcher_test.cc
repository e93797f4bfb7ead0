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

// Of a batch as BatchCost counts it.
std::uint64_t CostOf(const std::vector<std::size_t>& batch, const std::vector<std::uint32_t>& counts, EngineKind kind) {
  std::uint64_t longest = 0, tokens = 0;
  for (const std::size_t sample : batch) {
    longest = std::max<std::uint64_t>(longest, counts[sample]);
    tokens += counts[sample];
  }
  return BatchCost(kind, batch.size(), longest, tokens);
}

// When every batch takes what it can.
std::size_t FewestBatches(std::vector<std::uint32_t> counts, std::uint64_t budget, EngineKind kind) {
  std::sort(counts.begin(), counts.end());
  std::size_t batches = 0;
  for (std::size_t begin = 0, end = 0; begin < counts.size(); begin = end, ++batches) {
    std::vector<std::size_t> batch = {begin};
    for (end = begin + 1; end < counts.size(); ++end) {
      batch.push_back(end);
      if (CostOf(batch, counts, kind) > budget) break;
    }
  }
  return batches;
}

class PlanBatchesTest : public testing::TestWithParam<EngineKind> {};

TEST_P(PlanBatchesTest, OrdersByLengthThenPosition) {
  const std::vector<std::uint32_t> counts = {5, 3, 5, 3, 4};
  EXPECT_THAT(PlanBatches(counts, 8, GetParam()),
              ElementsAre(ElementsAre(1, 3), ElementsAre(4), ElementsAre(0), ElementsAre(2)));
  EXPECT_THAT(PlanBatches(counts, 100, GetParam()), ElementsAre(ElementsAre(1, 3, 4, 0, 2)));
}

TEST(BatchCostTest, CountsPaddingWhereTheEnginePads) {
  // Three samples of 2, 2 and 4 tokens: 8 tokens, 12 with padding.
  const std::vector<std::uint32_t> counts = {2, 2, 4};
  EXPECT_THAT(PlanBatches(counts, 11, EngineKind::kReference), ElementsAre(ElementsAre(0, 1), ElementsAre(2)));
  EXPECT_THAT(PlanBatches(counts, 12, EngineKind::kReference), ElementsAre(ElementsAre(0, 1, 2)));
  EXPECT_THAT(PlanBatches(counts, 7, EngineKind::kFast), ElementsAre(ElementsAre(0, 1), ElementsAre(2)));
  EXPECT_THAT(PlanBatches(counts, 8, EngineKind::kFast), ElementsAre(ElementsAre(0, 1, 2)));
}

TEST(BatchCostTest, IsTheTokensRunThrough) {
  EXPECT_EQ(BatchCost(EngineKind::kFast, 3, 4, 8), 8u);
  EXPECT_EQ(BatchCost(EngineKind::kReference, 3, 4, 8), 12u);
}

TEST_P(PlanBatchesTest, LeavesNoNearlyEmptyBatch) {
  const std::vector<std::uint32_t> counts(10, 7);
  EXPECT_THAT(PlanBatches(counts, 63, GetParam()), ElementsAre(ElementsAre(0, 1, 2, 3, 4), ElementsAre(5, 6, 7, 8, 9)));
}

TEST_P(PlanBatchesTest, LeavesATooLongSampleAlone) {
  const std::vector<std::uint32_t> counts = {50, 2, 60};
  EXPECT_THAT(PlanBatches(counts, 16, GetParam()), ElementsAre(ElementsAre(1), ElementsAre(0), ElementsAre(2)));
}

TEST_P(PlanBatchesTest, PlansNothingForNothing) { EXPECT_THAT(PlanBatches({}, 16, GetParam()), IsEmpty()); }

TEST_P(PlanBatchesTest, KeepsItsPromisesOnRandomLengths) {
  std::mt19937 random(20240915);
  for (int round = 0; round < 200; ++round) {
    SCOPED_TRACE(round);
    std::vector<std::uint32_t> counts(random() % 60);
    for (std::uint32_t& count : counts) count = 1 + random() % 40;
    const std::uint32_t budget = 1 + random() % 200;
    const Batches batches = PlanBatches(counts, budget, GetParam());
    EXPECT_EQ(batches, PlanBatches(counts, budget, GetParam())) << "the same again";
    std::vector<bool> seen(counts.size());
    std::uint32_t previous = 0;
    for (const auto& batch : batches) {
      ASSERT_FALSE(batch.empty());
      EXPECT_TRUE(batch.size() == 1 || CostOf(batch, counts, GetParam()) <= budget);
      for (const std::size_t sample : batch) {
        EXPECT_FALSE(seen[sample]);
        seen[sample] = true;
        EXPECT_GE(counts[sample], previous);
        previous = counts[sample];
      }
    }
    EXPECT_EQ(std::count(seen.begin(), seen.end(), true), static_cast<std::ptrdiff_t>(counts.size()));
    EXPECT_EQ(batches.size(), FewestBatches(counts, budget, GetParam()));
    std::uint64_t largest = 0;
    for (const auto& batch : batches) {
      if (batch.size() > 1) largest = std::max(largest, CostOf(batch, counts, GetParam()));
    }
    if (largest > 0) {
      EXPECT_GT(FewestBatches(counts, largest - 1, GetParam()), batches.size()) << "not even";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, PlanBatchesTest, testing::Values(EngineKind::kFast, EngineKind::kReference),
                         [](const auto& info) { return info.param == EngineKind::kFast ? "Fast" : "Reference"; });

}  // namespace
}  // namespace headscope::worker
