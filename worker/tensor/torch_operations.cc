#include "worker/tensor/torch_operations.h"

#include <ATen/ATen.h>

#include "worker/tensor/torch_activation.h"
#include "worker/tensor/torch_attention.h"
#include "worker/tensor/torch_compat.h"
#include "worker/tensor/torch_head_loss.h"
#include "worker/tensor/torch_linear.h"
#include "worker/tensor/torch_norm.h"

namespace headscope::worker {
namespace {

// Every operation runs without recording a graph, whatever the caller's mode.
class TorchOperations final : public Operations {
 public:
  TorchOperations(const at::Device& device, at::ScalarType type) : device_(device), type_(type) {}

  std::string_view name() const override { return "torch"; }
  at::ScalarType type() const override { return type_; }

  std::unique_ptr<LinearOperation> PrepareLinear(const at::Tensor& weight, const at::Tensor& bias) override {
    TORCH_CHECK(weight.device() == device_, "weight is on ", weight.device(), ", the operations on ", device_);
    return std::make_unique<TorchLinear>(weight, bias);
  }

  void Norm(const NormOptions& options, const NormWeights& weights, const at::Tensor& x, const at::Tensor& normed,
            const at::Tensor& scale, const at::Tensor& out) override {
    const GradMode no_graph(false);
    TorchNorm(options, weights, {x, normed, scale, out});
  }

  void NormBackward(const NormOptions& options, const NormWeights& weights, const at::Tensor& dout,
                    const at::Tensor& normed, const at::Tensor& scale, const at::Tensor& dx, bool add) override {
    const GradMode no_graph(false);
    TorchNormBackward(options, weights, {dout, normed, scale, dx, add});
  }

  void Activate(ActivationKind kind, const at::Tensor& up, const at::Tensor& out) override {
    const GradMode no_graph(false);
    const ActivationValues values = EvaluateActivation(kind, up);
    out.copy_(values.value);
    up.copy_(values.derivative);
  }

  void ActivateGated(ActivationKind kind, const at::Tensor& gate, const at::Tensor& up,
                     const at::Tensor& out) override {
    const GradMode no_graph(false);
    const ActivationValues values = EvaluateActivation(kind, gate);
    Multiply(values.value, up, out);
    Multiply(values.derivative, up, gate);
    up.copy_(values.value);
  }

  void Multiply(const at::Tensor& a, const at::Tensor& b, const at::Tensor& out) override {
    const GradMode no_graph(false);
    at::Tensor target = out;
    at::mul_out(target, a, b);
  }

  void Add(const at::Tensor& x, const at::Tensor& y) override {
    const GradMode no_graph(false);
    x.add_(y);
  }

  void Rotate(const RopeTable& table, const at::Tensor& positions, std::int64_t head_dim, bool inverse,
              const at::Tensor& x) override {
    const GradMode no_graph(false);
    const std::int64_t half = table.cosine.size(-1);
    const at::Tensor cosine = table.cosine.index_select(0, positions).to(type_).unsqueeze(1);  // [n, 1, half]
    at::Tensor sine = table.sine.index_select(0, positions).to(type_).unsqueeze(1);
    if (inverse) sine.neg_();
    const at::Tensor heads = x.view({x.size(0), x.size(1) / head_dim, head_dim});  // [n, heads, d]
    at::Tensor first = heads.narrow(-1, 0, half);
    at::Tensor second = heads.narrow(-1, half, half);
    const at::Tensor turned = (first * cosine).addcmul_(second, sine, -1);
    second.mul_(cosine).addcmul_(first, sine);
    first.copy_(turned);
  }

  void Attention(const AttentionOptions& options, const std::vector<std::int64_t>& offsets, const at::Tensor& q,
                 const at::Tensor& k, const at::Tensor& v, const at::Tensor& z, const at::Tensor& lse) override {
    const GradMode no_graph(false);
    TorchAttention(options, offsets, {q, k, v, z, lse});
  }

  void HeadDots(std::int64_t heads, const at::Tensor& z, const at::Tensor& dz, const at::Tensor& dots) override {
    const GradMode no_graph(false);
    dots.copy_((z * dz).view({z.size(0), heads, z.size(1) / heads}).sum(-1).t());
  }

  void AttentionBackward(const AttentionOptions& options, const std::vector<std::int64_t>& offsets, const at::Tensor& q,
                         const at::Tensor& k, const at::Tensor& v, const at::Tensor& lse, const at::Tensor& dz,
                         const at::Tensor& dots, const at::Tensor& dq, const at::Tensor& dk,
                         const at::Tensor& dv) override {
    const GradMode no_graph(false);
    TorchAttentionBackward(options, offsets, {q, k, v, lse, dz, dots, dq, dk, dv});
  }

  std::int64_t PackedBytes(std::int64_t, std::int64_t, bool) const override { return 0; }
  std::int64_t PackLimit() const override { return 0; }

  std::int64_t HeadLossBytes(std::int64_t rows, std::int64_t width, std::int64_t vocabulary) const override {
    return TorchHeadLossBytes(rows, width, vocabulary, type_);
  }

  std::int64_t AttentionBytes(const AttentionOptions& options, std::int64_t longest) const override {
    return TorchAttentionBytes(options, longest, type_);
  }

  std::vector<double> HeadLoss(const HeadLossInput& input, const at::Tensor& gradient) override {
    const GradMode no_graph(false);
    return TorchHeadLoss(input, gradient);
  }

 private:
  const at::Device device_;
  const at::ScalarType type_;
};

}  // namespace

std::unique_ptr<Operations> MakeTorchOperations(const at::Device& device, at::ScalarType type) {
  return std::make_unique<TorchOperations>(device, type);
}

}  // namespace headscope::worker
