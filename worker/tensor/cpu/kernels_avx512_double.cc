// The kernels for processors with AVX-512: 32 registers of 8 doubles.
#include "worker/tensor/cpu/kernels_tables.h"

#if defined(__x86_64__)
#if !defined(__AVX512F__) || !defined(__AVX512BW__) || !defined(__AVX512VL__) || !defined(__AVX512DQ__)
#error "compile this file with -mavx512f -mavx512bw -mavx512vl -mavx512dq -mfma"
#endif

namespace headscope::worker {
namespace {
constexpr int kLanes = 8;
constexpr int kTileRows = 12;
}  // namespace
}  // namespace headscope::worker

#include "worker/tensor/cpu/kernels_double.inc"

namespace headscope::worker {
constinit const DoubleKernels kAvx512DoubleKernels = MakeDoubleKernels("avx512");
}  // namespace headscope::worker

#endif
