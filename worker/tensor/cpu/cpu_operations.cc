#include "worker/tensor/cpu/cpu_operations.h"

#include <omp.h>

#include <ATen/ATen.h>

#include "worker/tensor/cpu/head_loss.h"
#include "worker/tensor/cpu/kernel_table.h"
#include "worker/tensor/cpu/linear_product.h"
#include "worker/tensor/cpu/matrix_product.h"

namespace headscope::worker {
namespace {

// Null where the tensor is undefined.
float* Data(const at::Tensor& tensor) { return tensor.defined() ? tensor.data_ptr<float>() : nullptr; }

AttentionArguments ArgumentsOf(const AttentionOptions& options, const std::vector<std::int64_t>& offsets,
                               const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& lse) {
  AttentionArguments arguments = {};
  arguments.heads = options.heads;
  arguments.kv_heads = options.kv_heads;
  arguments.head_dim = options.head_dim;
  arguments.scale = static_cast<float>(options.scale);
  arguments.window = options.window.value_or(0);
  arguments.soft_cap = static_cast<float>(options.soft_cap.value_or(0.0));
  arguments.sequences = static_cast<std::int64_t>(offsets.size()) - 1;
  arguments.offsets = offsets.data();
  arguments.q = Data(q);
  arguments.k = Data(k);
  arguments.v = Data(v);
  arguments.lse = Data(lse);
  return arguments;
}

float GainOffset(const NormOptions& options) {
  return options.kind == NormKind::kRmsNorm && options.gain_plus_one ? 1.0F : 0.0F;
}

at::Tensor Widened(const at::Tensor& tensor) { return tensor.defined() ? tensor.to(at::kFloat) : tensor; }

class CpuOperations final : public Operations {
 public:
  explicit CpuOperations(std::int64_t pack_bytes) : pack_limit_(pack_bytes), pack_bytes_(pack_bytes) {}

  std::string_view name() const override { return "cpu"; }

  std::unique_ptr<LinearOperation> PrepareLinear(const at::Tensor& weight, const at::Tensor& bias) override {
    return PrepareLinearProduct(weight, bias, pack_bytes_);
  }

  void Norm(const NormOptions& options, const NormWeights& weights, const at::Tensor& x, const at::Tensor& normed,
            const at::Tensor& scale, const at::Tensor& out) override {
    const at::Tensor gain = Widened(weights.gain), bias = Widened(weights.bias);
    kernels_.norm(options.kind, static_cast<float>(options.epsilon), x.size(0), x.size(1), Data(x), Data(gain),
                  GainOffset(options), Data(bias), Data(normed), Data(scale), Data(out));
  }

  void NormBackward(const NormOptions& options, const NormWeights& weights, const at::Tensor& dout,
                    const at::Tensor& normed, const at::Tensor& scale, const at::Tensor& dx, bool add) override {
    const at::Tensor gain = Widened(weights.gain);
    kernels_.norm_backward(options.kind, dout.size(0), dout.size(1), Data(dout), Data(gain), GainOffset(options),
                           Data(normed), Data(scale), Data(dx), add);
  }

  void Activate(ActivationKind kind, const at::Tensor& up, const at::Tensor& out) override {
    kernels_.activate(kind, up.numel(), Data(up), Data(out));
  }

  void ActivateGated(ActivationKind kind, const at::Tensor& gate, const at::Tensor& up,
                     const at::Tensor& out) override {
    kernels_.activate_gated(kind, up.numel(), Data(gate), Data(up), Data(out));
  }

  void Multiply(const at::Tensor& a, const at::Tensor& b, const at::Tensor& out) override {
    kernels_.multiply(a.numel(), Data(a), Data(b), Data(out));
  }

  void Add(const at::Tensor& x, const at::Tensor& y) override { kernels_.add(x.numel(), Data(x), Data(y)); }

  void Rotate(const RopeTable& table, const at::Tensor& positions, std::int64_t head_dim, bool inverse,
              const at::Tensor& x) override {
    kernels_.rotate(x.size(0), x.size(1) / head_dim, head_dim, table.cosine.size(1), Data(table.cosine),
                    Data(table.sine), positions.data_ptr<std::int64_t>(), inverse, Data(x));
  }

  void Attention(const AttentionOptions& options, const std::vector<std::int64_t>& offsets, const at::Tensor& q,
                 const at::Tensor& k, const at::Tensor& v, const at::Tensor& z, const at::Tensor& lse) override {
    AttentionArguments arguments = ArgumentsOf(options, offsets, q, k, v, lse);
    arguments.z = Data(z);
    kernels_.attention(arguments);
  }

  void HeadDots(std::int64_t heads, const at::Tensor& z, const at::Tensor& dz, const at::Tensor& dots) override {
    kernels_.head_dots(z.size(0), heads, z.size(1) / heads, Data(z), Data(dz), Data(dots));
  }

  void AttentionBackward(const AttentionOptions& options, const std::vector<std::int64_t>& offsets, const at::Tensor& q,
                         const at::Tensor& k, const at::Tensor& v, const at::Tensor& lse, const at::Tensor& dz,
                         const at::Tensor& dots, const at::Tensor& dq, const at::Tensor& dk,
                         const at::Tensor& dv) override {
    AttentionArguments arguments = ArgumentsOf(options, offsets, q, k, v, lse);
    arguments.dz = Data(dz);
    arguments.dots = Data(dots);
    arguments.dq = Data(dq);
    arguments.dk = Data(dk);
    arguments.dv = Data(dv);
    kernels_.attention_backward(arguments);
  }

  std::int64_t PackedBytes(std::int64_t out, std::int64_t in, bool bfloat16) const override {
    return RightFactor::PackedBytes(in, out, bfloat16) + RightFactor::PackedBytes(out, in, bfloat16);
  }

  std::int64_t PackLimit() const override { return pack_limit_; }

  std::int64_t HeadLossBytes(std::int64_t rows, std::int64_t width, std::int64_t vocabulary) const override {
    return CpuHeadLossBytes(rows, width, vocabulary, omp_get_max_threads());
  }

  // The reverse holds a sequence's keys three times, their and the values' gradients and the values once each.
  std::int64_t AttentionBytes(const AttentionOptions& options, std::int64_t longest) const override {
    const std::int64_t row = (options.head_dim + 15) / 16 * 16 * static_cast<std::int64_t>(sizeof(float));
    return 5 * longest * row * omp_get_max_threads();
  }

  std::vector<double> HeadLoss(const HeadLossInput& input, const at::Tensor& gradient) override {
    return CpuHeadLoss(kernels_, input, gradient);
  }

 private:
  const KernelTable& kernels_ = Kernels();
  const std::int64_t pack_limit_;
  // What is left of it.
  std::int64_t pack_bytes_;
};

}  // namespace

std::unique_ptr<Operations> MakeCpuOperations(std::int64_t pack_bytes) {
  return std::make_unique<CpuOperations>(pack_bytes);
}

}  // namespace headscope::worker
