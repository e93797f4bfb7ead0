// The kernels of AVX-512's width compiled for AVX2, vectors in two halves: slow, but the same logic.
#include "worker/tensor/cpu/kernel_table.h"

#if defined(__x86_64__)
namespace headscope::worker {
namespace {
constexpr int kLanes = 16;
constexpr int kTileRows = 12;
}  // namespace
}  // namespace headscope::worker

#include "worker/tensor/cpu/kernels_float.inc"

namespace headscope::worker {
extern const FloatKernels kSplitKernels;
constinit const FloatKernels kSplitKernels = MakeFloatKernels("split512");
}  // namespace headscope::worker
#endif
