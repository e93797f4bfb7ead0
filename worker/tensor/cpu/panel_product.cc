#include "worker/tensor/cpu/panel_product.h"

#include <optional>

#include <ATen/ATen.h>

#include "worker/tensor/cpu/kernel_table.h"

namespace headscope::worker {
namespace {

std::int64_t PanelNumbers(std::int64_t inner, std::int64_t columns) {
  const std::int64_t panel = Kernels<DoubleKernels>().panel;
  return (columns + panel - 1) / panel * panel * inner;
}

class PanelLinear final : public LinearOperation {
 public:
  PanelLinear(const at::Tensor& weight, const at::Tensor& bias, bool hold) : weight_(weight) {
    if (bias.defined()) bias_ = bias.to(at::kDouble).contiguous();
    if (!hold) return;
    forward_.emplace(weight.t());
    backward_.emplace(weight);
    held_bytes_ =
        PanelFactor::Bytes(weight.size(1), weight.size(0)) + PanelFactor::Bytes(weight.size(0), weight.size(1));
  }

  void Forward(const at::Tensor& x, const at::Tensor& out, bool add) override {
    Multiply(forward_, weight_.t(), x, bias_.defined() ? bias_.data_ptr<double>() : nullptr, add, out);
  }

  void BackwardToData(const at::Tensor& dout, const at::Tensor& dx, bool add) override {
    Multiply(backward_, weight_, dout, nullptr, add, dx);
  }

  std::int64_t packed_bytes() const override { return held_bytes_; }

 private:
  static void Multiply(const std::optional<PanelFactor>& held, const at::Tensor& matrix, const at::Tensor& a,
                       const double* bias, bool add, const at::Tensor& c) {
    if (held.has_value()) return held->Multiply(a.size(0), a.data_ptr<double>(), bias, add, c.data_ptr<double>());
    PanelFactor(matrix).Multiply(a.size(0), a.data_ptr<double>(), bias, add, c.data_ptr<double>());
  }

  const at::Tensor weight_;
  at::Tensor bias_;
  std::optional<PanelFactor> forward_, backward_;
  std::int64_t held_bytes_ = 0;
};

}  // namespace

PanelFactor::PanelFactor(const at::Tensor& matrix)
    : inner_(matrix.size(0)),
      columns_(matrix.size(1)),
      panels_(at::empty({PanelNumbers(inner_, columns_)}, at::kDouble)) {
  Kernels<DoubleKernels>().pack(inner_, columns_, matrix.data_ptr<float>(), matrix.stride(0), matrix.stride(1),
                                panels_.data_ptr<double>());
}

std::int64_t PanelFactor::Bytes(std::int64_t inner, std::int64_t columns) {
  return static_cast<std::int64_t>(sizeof(double)) * PanelNumbers(inner, columns);
}

void PanelFactor::Multiply(std::int64_t n, const double* a, const double* bias, bool add, double* c) const {
  Kernels<DoubleKernels>().product(n, columns_, inner_, a, panels_.data_ptr<double>(), bias, add, c);
}

std::unique_ptr<LinearOperation> PreparePanelLinear(const at::Tensor& weight, const at::Tensor& bias, bool hold) {
  return std::make_unique<PanelLinear>(weight, bias, hold);
}

}  // namespace headscope::worker
