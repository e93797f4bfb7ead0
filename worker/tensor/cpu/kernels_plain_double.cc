// The kernels for every processor: vectors of 2 doubles, which SSE2 and NEON have.
#include "worker/tensor/cpu/kernels_tables.h"

namespace headscope::worker {
namespace {
constexpr int kLanes = 2;
constexpr int kTileRows = 6;
}  // namespace
}  // namespace headscope::worker

#include "worker/tensor/cpu/kernels_double.inc"

namespace headscope::worker {
constinit const DoubleKernels kPlainDoubleKernels = MakeDoubleKernels("plain");
}  // namespace headscope::worker
