#include "worker/tensor/cpu/kernel_table.h"

#include <cstdlib>
#include <cstring>

#include "worker/tensor/cpu/kernels_tables.h"

namespace headscope::worker {
namespace {

#if defined(__x86_64__)
bool RunsAvx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
bool RunsAvx512() {
  return RunsAvx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

template <typename Table>
KernelTables<Table> Runnable(const Table& avx512, const Table& avx2, const Table& plain) {
  __builtin_cpu_init();
  KernelTables<Table> runnable = {};
  if (RunsAvx512()) runnable.tables[runnable.count++] = &avx512;
  if (RunsAvx2()) runnable.tables[runnable.count++] = &avx2;
  runnable.tables[runnable.count++] = &plain;
  return runnable;
}
#endif

template <typename Table>
const Table& Choose() {
  const KernelTables<Table> runnable = RunnableKernels<Table>();
  const char* const wanted = std::getenv("HEADSCOPE_CPU_KERNELS");
  for (int i = 0; wanted != nullptr && i < runnable.count; ++i) {
    if (std::strcmp(runnable.tables[i]->name, wanted) == 0) return *runnable.tables[i];
  }
  return *runnable.tables[0];
}

}  // namespace

template <>
KernelTables<FloatKernels> RunnableKernels() {
#if defined(__x86_64__)
  return Runnable(kAvx512FloatKernels, kAvx2FloatKernels, kPlainFloatKernels);
#else
  return {{&kPlainFloatKernels}, 1};
#endif
}

template <>
KernelTables<DoubleKernels> RunnableKernels() {
#if defined(__x86_64__)
  return Runnable(kAvx512DoubleKernels, kAvx2DoubleKernels, kPlainDoubleKernels);
#else
  return {{&kPlainDoubleKernels}, 1};
#endif
}

template <>
const FloatKernels& Kernels() {
  static const FloatKernels& chosen = Choose<FloatKernels>();
  return chosen;
}

template <>
const DoubleKernels& Kernels() {
  static const DoubleKernels& chosen = Choose<DoubleKernels>();
  return chosen;
}

}  // namespace headscope::worker
