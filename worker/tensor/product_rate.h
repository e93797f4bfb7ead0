// How fast this process multiplies matrices. LibTorch takes its products from whatever BLAS the machine has, and the
// plain reference BLAS that Debian installs by default is some fifty times slower than OpenBLAS.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "worker/tensor/product_shape.h"

namespace headscope::worker {

// Seconds that LibTorch takes for one product on `device` with the calling thread's number of threads, factors in
// bfloat16 or float32: the least of `repeats`. Errors: those of ParseDevice, and a device without memory.
absl::StatusOr<double> TorchProductSeconds(const ProductShape& shape, bool bfloat16, const std::string& device,
                                           int repeats);

// GFLOP/s of float32 products of 512 x 512 matrices on the CPU with the calling thread's number of threads, the best of
// three. Takes milliseconds, or half a second where it is slow. 0 when it cannot be measured.
double MeasureProductRate();

// What to do about `gflops`, or empty where it is what one expects of one core or more.
std::string SlowProductsHint(double gflops);

}  // namespace headscope::worker
