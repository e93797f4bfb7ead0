#include "tests/worker/tensor/cpu/kernel_tables_under_test.h"

#include <cstring>

#include <omp.h>

namespace headscope::worker {

#if defined(__x86_64__)
extern const FloatKernels kSplitKernels;
#endif

std::vector<const FloatKernels*> TablesUnderTest() {
  const KernelTables<FloatKernels> runnable = RunnableKernels<FloatKernels>();
  std::vector<const FloatKernels*> tables(runnable.tables, runnable.tables + runnable.count);
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) tables.push_back(&kSplitKernels);
#endif
  return tables;
}

void ExpectSameBytesWithAnyThreads(std::vector<float> (*body)(const FloatKernels& kernels),
                                   const FloatKernels& kernels) {
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  const std::vector<float> alone = body(kernels);
  for (const int count : {2, 3}) {
    omp_set_num_threads(count);
    const std::vector<float> shared = body(kernels);
    ASSERT_EQ(alone.size(), shared.size());
    EXPECT_EQ(std::memcmp(alone.data(), shared.data(), alone.size() * sizeof(float)), 0) << count << " threads";
  }
  omp_set_num_threads(threads);
}

}  // namespace headscope::worker
