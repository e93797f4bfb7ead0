#include "worker/tensor/cpu/linear_product.h"

#include <ATen/ATen.h>

#include "worker/tensor/cpu/matrix_product.h"

namespace headscope::worker {
namespace {

class LinearProduct final : public LinearOperation {
 public:
  LinearProduct(const at::Tensor& weight, const at::Tensor& bias, std::int64_t& pack_bytes)
      : forward_(weight.t()), backward_(weight) {
    if (bias.defined()) bias_ = bias.to(at::kFloat).contiguous();
    packed_bytes_ = forward_.Pack(pack_bytes);
    packed_bytes_ += backward_.Pack(pack_bytes - packed_bytes_);
    pack_bytes -= packed_bytes_;
  }

  void Forward(const at::Tensor& x, const at::Tensor& out, bool add) override {
    Multiply(x.size(0), forward_, x.data_ptr<float>(), out.data_ptr<float>(),
             bias_.defined() ? bias_.data_ptr<float>() : nullptr, add);
  }

  void BackwardToData(const at::Tensor& dout, const at::Tensor& dx, bool add) override {
    Multiply(dout.size(0), backward_, dout.data_ptr<float>(), dx.data_ptr<float>(), nullptr, add);
  }

  std::int64_t packed_bytes() const override { return packed_bytes_; }

 private:
  RightFactor forward_;   // [in, out]
  RightFactor backward_;  // [out, in]
  at::Tensor bias_;
  std::int64_t packed_bytes_ = 0;
};

}  // namespace

std::unique_ptr<LinearOperation> PrepareLinearProduct(const at::Tensor& weight, const at::Tensor& bias,
                                                      std::int64_t& pack_bytes) {
  return std::make_unique<LinearProduct>(weight, bias, pack_bytes);
}

}  // namespace headscope::worker
