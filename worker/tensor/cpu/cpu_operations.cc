#include "worker/tensor/cpu/cpu_operations.h"

#include <limits>

#include <omp.h>

#include <ATen/ATen.h>

#include "worker/tensor/cpu/head_loss.h"
#include "worker/tensor/cpu/kernel_table.h"
#include "worker/tensor/cpu/linear_product.h"
#include "worker/tensor/cpu/matrix_product.h"
#include "worker/tensor/cpu/panel_product.h"

namespace headscope::worker {
namespace {

// What the kernels of both precisions do. Table: FloatKernels or DoubleKernels, of numbers Real.
template <typename Table, typename Real>
class KernelOperations : public Operations {
 public:
  at::ScalarType type() const final { return c10::CppTypeToScalarType<Real>::value; }

  void Norm(const NormOptions& options, const NormWeights& weights, const at::Tensor& x, const at::Tensor& normed,
            const at::Tensor& scale, const at::Tensor& out) final {
    const at::Tensor gain = Typed(weights.gain), bias = Typed(weights.bias);
    kernels_.norm(options.kind, static_cast<Real>(options.epsilon), x.size(0), x.size(1), Data(x), Data(gain),
                  GainOffset(options), Data(bias), Data(normed), Data(scale), Data(out));
  }

  void NormBackward(const NormOptions& options, const NormWeights& weights, const at::Tensor& dout,
                    const at::Tensor& normed, const at::Tensor& scale, const at::Tensor& dx, bool add) final {
    const at::Tensor gain = Typed(weights.gain);
    kernels_.norm_backward(options.kind, dout.size(0), dout.size(1), Data(dout), Data(gain), GainOffset(options),
                           Data(normed), Data(scale), Data(dx), add);
  }

  void Activate(ActivationKind kind, const at::Tensor& up, const at::Tensor& out) final {
    kernels_.activate(kind, up.numel(), Data(up), Data(out));
  }

  void ActivateGated(ActivationKind kind, const at::Tensor& gate, const at::Tensor& up, const at::Tensor& out) final {
    kernels_.activate_gated(kind, up.numel(), Data(gate), Data(up), Data(out));
  }

  void Multiply(const at::Tensor& a, const at::Tensor& b, const at::Tensor& out) final {
    kernels_.multiply(a.numel(), Data(a), Data(b), Data(out));
  }

  void Add(const at::Tensor& x, const at::Tensor& y) final { kernels_.add(x.numel(), Data(x), Data(y)); }

  void Rotate(const RopeTable& table, const at::Tensor& positions, std::int64_t head_dim, bool inverse,
              const at::Tensor& x) final {
    kernels_.rotate(x.size(0), x.size(1) / head_dim, head_dim, table.cosine.size(1), Data(table.cosine),
                    Data(table.sine), positions.data_ptr<std::int64_t>(), inverse, Data(x));
  }

  void Attention(const AttentionOptions& options, const std::vector<std::int64_t>& offsets, const at::Tensor& q,
                 const at::Tensor& k, const at::Tensor& v, const at::Tensor& z, const at::Tensor& lse) final {
    AttentionArguments<Real> arguments = ArgumentsOf(options, offsets, q, k, v, lse);
    arguments.z = Data(z);
    kernels_.attention(arguments);
  }

  void HeadDots(std::int64_t heads, const at::Tensor& z, const at::Tensor& dz, const at::Tensor& dots) final {
    kernels_.head_dots(z.size(0), heads, z.size(1) / heads, Data(z), Data(dz), Data(dots));
  }

  void AttentionBackward(const AttentionOptions& options, const std::vector<std::int64_t>& offsets, const at::Tensor& q,
                         const at::Tensor& k, const at::Tensor& v, const at::Tensor& lse, const at::Tensor& dz,
                         const at::Tensor& dots, const at::Tensor& dq, const at::Tensor& dk,
                         const at::Tensor& dv) final {
    AttentionArguments<Real> arguments = ArgumentsOf(options, offsets, q, k, v, lse);
    arguments.dz = Data(dz);
    arguments.dots = Data(dots);
    arguments.dq = Data(dq);
    arguments.dk = Data(dk);
    arguments.dv = Data(dv);
    kernels_.attention_backward(arguments);
  }

  // The reverse holds a sequence's keys three times, their and the values' gradients and the values once each.
  std::int64_t AttentionBytes(const AttentionOptions& options, std::int64_t longest) const final {
    const std::int64_t row = (options.head_dim + 15) / 16 * 16 * static_cast<std::int64_t>(sizeof(Real));
    return 5 * longest * row * omp_get_max_threads();
  }

  std::int64_t HeadLossBytes(std::int64_t rows, std::int64_t width, std::int64_t vocabulary) const final {
    return CpuHeadLossBytes<Real>(rows, width, vocabulary, omp_get_max_threads());
  }

  std::vector<double> HeadLoss(const HeadLossInput& input, const at::Tensor& gradient) final {
    return CpuHeadLoss<Real>(kernels_, input, gradient);
  }

 private:
  // Null where the tensor is undefined.
  static Real* Data(const at::Tensor& tensor) { return tensor.defined() ? tensor.data_ptr<Real>() : nullptr; }

  static AttentionArguments<Real> ArgumentsOf(const AttentionOptions& options, const std::vector<std::int64_t>& offsets,
                                              const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                              const at::Tensor& lse) {
    AttentionArguments<Real> arguments = {};
    arguments.heads = options.heads;
    arguments.kv_heads = options.kv_heads;
    arguments.head_dim = options.head_dim;
    arguments.scale = static_cast<Real>(options.scale);
    arguments.window = options.window.value_or(0);
    arguments.soft_cap = static_cast<Real>(options.soft_cap.value_or(0.0));
    arguments.sequences = static_cast<std::int64_t>(offsets.size()) - 1;
    arguments.offsets = offsets.data();
    arguments.q = Data(q);
    arguments.k = Data(k);
    arguments.v = Data(v);
    arguments.lse = Data(lse);
    return arguments;
  }

  static Real GainOffset(const NormOptions& options) {
    return options.kind == NormKind::kRmsNorm && options.gain_plus_one ? Real{1} : Real{0};
  }

  at::Tensor Typed(const at::Tensor& tensor) const { return tensor.defined() ? tensor.to(type()) : tensor; }

  const Table& kernels_ = Kernels<Table>();
};

class FloatOperations final : public KernelOperations<FloatKernels, float> {
 public:
  explicit FloatOperations(std::int64_t pack_bytes) : pack_limit_(pack_bytes), pack_bytes_(pack_bytes) {}

  std::string_view name() const override { return "cpu"; }

  std::unique_ptr<LinearOperation> PrepareLinear(const at::Tensor& weight, const at::Tensor& bias) override {
    return PrepareLinearProduct(weight, bias, pack_bytes_);
  }

  std::int64_t PackedBytes(std::int64_t out, std::int64_t in, bool bfloat16) const override {
    return RightFactor::PackedBytes(in, out, bfloat16) + RightFactor::PackedBytes(out, in, bfloat16);
  }

  std::int64_t PackLimit() const override { return pack_limit_; }

 private:
  const std::int64_t pack_limit_;
  // What is left of it.
  std::int64_t pack_bytes_;
};

class DoubleOperations final : public KernelOperations<DoubleKernels, double> {
 public:
  explicit DoubleOperations(bool pack) : pack_(pack) {}

  std::string_view name() const override { return "cpu float64"; }

  std::unique_ptr<LinearOperation> PrepareLinear(const at::Tensor& weight, const at::Tensor& bias) override {
    return PreparePanelLinear(weight, bias, pack_);
  }

  std::int64_t PackedBytes(std::int64_t out, std::int64_t in, bool) const override {
    return pack_ ? PanelFactor::Bytes(in, out) + PanelFactor::Bytes(out, in) : 0;
  }

  std::int64_t PackLimit() const override { return std::numeric_limits<std::int64_t>::max(); }

 private:
  const bool pack_;
};

}  // namespace

std::unique_ptr<Operations> MakeCpuOperations(std::int64_t pack_bytes) {
  return std::make_unique<FloatOperations>(pack_bytes);
}

std::unique_ptr<Operations> MakeCpuFloat64Operations(bool pack) { return std::make_unique<DoubleOperations>(pack); }

}  // namespace headscope::worker
