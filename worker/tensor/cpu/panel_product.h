// Matrix products in float64 on the CPU: oneDNN has none, and a BLAS's last digits follow its number of threads.
#pragma once

#include <cstdint>
#include <memory>

#include <ATen/core/Tensor.h>

#include "worker/tensor/operations.h"

namespace headscope::worker {

// The right factor B [K, N] of products A B, copied into the panels that the kernels read. Immutable: thread-safe.
class PanelFactor {
 public:
  // `matrix` [K, N] in float32, of any strides.
  explicit PanelFactor(const at::Tensor& matrix);
  // What one takes.
  static std::int64_t Bytes(std::int64_t inner, std::int64_t columns);

  // C [n, N] = A [n, K] B (+ bias [N], which may be null) (+ C), with the calling thread's number of threads, on which
  // no byte depends.
  void Multiply(std::int64_t n, const double* a, const double* bias, bool add, double* c) const;

 private:
  std::int64_t inner_, columns_;
  at::Tensor panels_;
};

// A linear with both of its products in float64; weight [out, in] and bias [out] (or undefined) in float32. With
// `hold` both factors are kept, without they are made for each product and the weight is read where it lies.
std::unique_ptr<LinearOperation> PreparePanelLinear(const at::Tensor& weight, const at::Tensor& bias, bool hold);

}  // namespace headscope::worker
