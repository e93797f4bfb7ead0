// Products with one weight, by LibTorch.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "worker/tensor/operations.h"

namespace headscope::worker {

// Keeps the weight as it is and packs nothing. With activations in float64 a float32 weight is widened slice by slice.
// With a bfloat16 weight on the CPU both rounded factors are widened and
// multiplied in float32, slice by slice of the weight: the values of bfloat16 products accumulated in float32. On other
// devices the product is the device's own in bfloat16 (accumulated in float32, but its result is rounded to bfloat16
// before it is handed on as float32): widening the weight would forgo the device's bfloat16 units, which are the
// reason for such weights there.
class TorchLinear : public LinearOperation {
 public:
  // weight [out, in] float32 or bfloat16, any strides; bias [out] or undefined.
  TorchLinear(const at::Tensor& weight, const at::Tensor& bias);

  void Forward(const at::Tensor& x, const at::Tensor& out, bool add) override;
  void BackwardToData(const at::Tensor& dout, const at::Tensor& dx, bool add) override;
  std::int64_t packed_bytes() const override { return 0; }

 private:
  at::Tensor weight_;
  at::Tensor bias_;
};

}  // namespace headscope::worker
