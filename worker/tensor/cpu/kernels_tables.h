// The tables that kernel_table.cc chooses from: one per instruction set, each in a file compiled for it.
#pragma once

#include "worker/tensor/cpu/kernel_table.h"

namespace headscope::worker {

#if defined(__x86_64__)
extern const KernelTable kAvx512Kernels;
extern const KernelTable kAvx2Kernels;
#endif
// Needs nothing that the program itself does not need.
extern const KernelTable kPlainKernels;

}  // namespace headscope::worker
