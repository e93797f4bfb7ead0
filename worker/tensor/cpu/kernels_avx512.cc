// The kernels for processors with AVX-512: 32 registers of 16 floats.
#include "worker/tensor/cpu/kernels_tables.h"

#if defined(__x86_64__)
#if !defined(__AVX512F__) || !defined(__AVX512BW__) || !defined(__AVX512VL__) || !defined(__AVX512DQ__)
#error "compile this file with -mavx512f -mavx512bw -mavx512vl -mavx512dq -mfma"
#endif

namespace headscope::worker {
namespace {
constexpr int kLanes = 16;
constexpr int kTileRows = 12;
}  // namespace
}  // namespace headscope::worker

#include "worker/tensor/cpu/kernels_float.inc"

namespace headscope::worker {
constinit const FloatKernels kAvx512FloatKernels = MakeFloatKernels("avx512");
}  // namespace headscope::worker

#endif
