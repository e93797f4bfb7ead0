#include "worker/tensor/cpu/kernel_table.h"

#include <cstdlib>
#include <cstring>

#include "worker/tensor/cpu/kernels_tables.h"

namespace headscope::worker {
namespace {

const KernelTable& Choose() {
  const KernelTables runnable = RunnableKernels();
  const char* const wanted = std::getenv("HEADSCOPE_CPU_KERNELS");
  for (int i = 0; wanted != nullptr && i < runnable.count; ++i) {
    if (std::strcmp(runnable.tables[i]->name, wanted) == 0) return *runnable.tables[i];
  }
  return *runnable.tables[0];
}

}  // namespace

const KernelTable& Kernels() {
  static const KernelTable& chosen = Choose();
  return chosen;
}

KernelTables RunnableKernels() {
  KernelTables runnable = {};
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  if (avx512) runnable.tables[runnable.count++] = &kAvx512Kernels;
  if (avx2) runnable.tables[runnable.count++] = &kAvx2Kernels;
#endif
  runnable.tables[runnable.count++] = &kPlainKernels;
  return runnable;
}

}  // namespace headscope::worker
