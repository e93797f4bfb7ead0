// The kernels for processors with AVX2 and FMA: 16 registers of 4 doubles.
#include "worker/tensor/cpu/kernels_tables.h"

#if defined(__x86_64__)
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this file with -mavx2 -mfma"
#endif

namespace headscope::worker {
namespace {
constexpr int kLanes = 4;
constexpr int kTileRows = 6;
}  // namespace
}  // namespace headscope::worker

#include "worker/tensor/cpu/kernels_double.inc"

namespace headscope::worker {
constinit const DoubleKernels kAvx2DoubleKernels = MakeDoubleKernels("avx2");
}  // namespace headscope::worker

#endif
