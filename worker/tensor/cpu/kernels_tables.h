// The tables that kernel_table.cc chooses from: two per instruction set, each in a file compiled for it.
#pragma once

#include "worker/tensor/cpu/kernel_table.h"

namespace headscope::worker {

#if defined(__x86_64__)
extern const FloatKernels kAvx512FloatKernels;
extern const DoubleKernels kAvx512DoubleKernels;
extern const FloatKernels kAvx2FloatKernels;
extern const DoubleKernels kAvx2DoubleKernels;
#endif
// Need nothing that the program itself does not need.
extern const FloatKernels kPlainFloatKernels;
extern const DoubleKernels kPlainDoubleKernels;

}  // namespace headscope::worker
