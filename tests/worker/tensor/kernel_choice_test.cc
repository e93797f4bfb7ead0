// Which kernels the tests of the operations ran on.
#include <algorithm>
#include <cstdlib>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "worker/tensor/cpu/kernel_table.h"

namespace headscope::worker {
namespace {

// HEADSCOPE_CPU_KERNELS decides where the processor runs what it names; else the best table serves.
template <typename Table>
void ExpectTheWanted() {
  const KernelTables<Table> runnable = RunnableKernels<Table>();
  std::string expected = runnable.tables[0]->name;
  if (const char* wanted = std::getenv("HEADSCOPE_CPU_KERNELS")) {
    ASSERT_THAT(wanted, testing::AnyOf(testing::StrEq("avx512"), testing::StrEq("avx2"), testing::StrEq("plain")));
    const auto runs = [&](const Table* table) { return std::string(table->name) == wanted; };
    if (std::any_of(runnable.tables, runnable.tables + runnable.count, runs)) expected = wanted;
  }
  EXPECT_EQ(Kernels<Table>().name, expected);
}

TEST(KernelChoiceTest, TheWantedOrTheBestIsChosen) {
  ExpectTheWanted<FloatKernels>();
  ExpectTheWanted<DoubleKernels>();
}

}  // namespace
}  // namespace headscope::worker
