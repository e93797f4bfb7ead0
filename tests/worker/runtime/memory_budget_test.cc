#include "worker/runtime/memory_budget.h"

#include <gtest/gtest.h>

namespace headscope::worker {
namespace {

TEST(MemoryBudgetTest, StaysBelowTheMachinesMemory) {
  EXPECT_GT(HostMemoryBytes(), 64 << 20);
  EXPECT_GT(DefaultMemoryBudget(), 0);
  EXPECT_LT(DefaultMemoryBudget(), HostMemoryBytes());
}

TEST(MemoryBudgetTest, MeasuresThisProcess) {
  EXPECT_GT(ResidentSetBytes(), 1 << 20);
  EXPECT_LT(ResidentSetBytes(), HostMemoryBytes());
}

TEST(MemoryBudgetTest, FormatsBytesForPeople) {
  EXPECT_EQ(FormatBytes(512), "512 B");
  EXPECT_EQ(FormatBytes(1536), "1.5 KiB");
  EXPECT_EQ(FormatBytes(std::int64_t{8} << 30), "8.0 GiB");
}

}  // namespace
}  // namespace headscope::worker
