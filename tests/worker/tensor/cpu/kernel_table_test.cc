#include "worker/tensor/cpu/kernel_table.h"

#include <string>

#include <gtest/gtest.h>

namespace headscope::worker {
namespace {

TEST(KernelTableTest, PlainKernelsRunEverywhereAndComeLast) {
  const KernelTables<FloatKernels> runnable = RunnableKernels<FloatKernels>();
  ASSERT_GE(runnable.count, 1);
  EXPECT_EQ(std::string(runnable.tables[runnable.count - 1]->name), "plain");
}

TEST(KernelTableTest, ChosenTableIsRunnable) {
  const KernelTables<FloatKernels> runnable = RunnableKernels<FloatKernels>();
  bool found = false;
  for (int i = 0; i < runnable.count; ++i) found = found || runnable.tables[i] == &Kernels<FloatKernels>();
  EXPECT_TRUE(found);
  EXPECT_EQ(&Kernels<FloatKernels>(), &Kernels<FloatKernels>());
}

}  // namespace
}  // namespace headscope::worker
