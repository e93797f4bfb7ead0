// The kernels for every processor: vectors of 4 floats, which SSE2 and NEON have.
#include "worker/tensor/cpu/kernels_tables.h"

namespace headscope::worker {
namespace {
constexpr int kLanes = 4;
constexpr int kTileRows = 6;
}  // namespace
}  // namespace headscope::worker

#include "worker/tensor/cpu/kernels_float.inc"

namespace headscope::worker {
constinit const FloatKernels kPlainFloatKernels = MakeFloatKernels("plain");
}  // namespace headscope::worker
