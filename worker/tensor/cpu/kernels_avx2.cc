// The kernels for processors with AVX2 and FMA: 16 registers of 8 floats.
#include "worker/tensor/cpu/kernels_tables.h"

#if defined(__x86_64__)
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this file with -mavx2 -mfma"
#endif

namespace headscope::worker {
namespace {
constexpr int kLanes = 8;
constexpr int kTileRows = 6;
}  // namespace
}  // namespace headscope::worker

#include "worker/tensor/cpu/kernels_float.inc"

namespace headscope::worker {
constinit const FloatKernels kAvx2FloatKernels = MakeFloatKernels("avx2");
}  // namespace headscope::worker

#endif
