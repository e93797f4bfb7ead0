// The table of operations that the fast engine is made of: all of its arithmetic, forward and reverse, and nothing that
// knows a model family or an attribution method. Three implementations: LibTorch's own operations on any device
// (torch_operations.h); on the CPU vector kernels with oneDNN's matrix products, and the same kernels in float64 with
// products of our own (cpu/cpu_operations.h).
//
// Letters: n tokens of a packed batch, H query heads, G key-value heads, d head_dim, w width. Every activation is of
// the table's type(), contiguous, on its device, and written in place into tensors that the caller provides. Weights
// are float32, or bfloat16 where type() is float32: then the other factor of a product is rounded to bfloat16, and
// products accumulate in float32. All throw what ATen throws. Results depend on the arguments only: not on what else is
// packed into the batch beyond the last digits of a product, nor on the number of threads (LibTorch's own operations as
// far as its BLAS keeps to that; OpenBLAS differs in the last digits).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/ScalarType.h>

#include "worker/tensor/kernels.h"
#include "worker/tensor/layer_kinds.h"

namespace headscope::worker {

// y = x W^T + bias for one prepared weight.
class LinearOperation {
 public:
  virtual ~LinearOperation() = default;
  // x [n, in] -> out [n, out]; added to what `out` holds with `add`.
  virtual void Forward(const at::Tensor& x, const at::Tensor& out, bool add) = 0;
  // The transposed product: dout [n, out] -> dx [n, in] = dout W; added to what `dx` holds with `add`.
  virtual void BackwardToData(const at::Tensor& dout, const at::Tensor& dx, bool add) = 0;
  // Bytes taken beyond the weight's own.
  virtual std::int64_t packed_bytes() const = 0;
};

struct NormOptions {
  NormKind kind = NormKind::kRmsNorm;
  double epsilon = 1e-6;
  // RMS norm multiplies by (1 + gain).
  bool gain_plus_one = false;
};

// Gain [w] and bias [w], each of any dtype or undefined.
struct NormWeights {
  at::Tensor gain;
  at::Tensor bias;
};

// One attention layer over a packed batch: token i of a sequence sees the keys (i - window, i] of the same sequence.
// Query head h reads key-value head h / (H / G).
struct AttentionOptions {
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  double scale = 1.0;
  std::optional<std::int64_t> window = std::nullopt;
  // scores <- cap * tanh(scores / cap), before the mask.
  std::optional<double> soft_cap = std::nullopt;
};

// What the loss of predicting one token from one hidden state is made of.
struct HeadLossInput {
  // [vocabulary, w], float32 or bfloat16.
  at::Tensor weight;
  // [vocabulary] or undefined.
  at::Tensor bias;
  // logits <- cap * tanh(logits / cap).
  std::optional<double> soft_cap;
  // [r, w] hidden states.
  at::Tensor rows;
  // [r] token ids to be predicted.
  std::vector<std::int64_t> targets;
  // [r] what each row's loss is multiplied by in the gradient.
  std::vector<double> seeds;
};

// Thread-compatible.
class Operations {
 public:
  virtual ~Operations() = default;
  virtual std::string_view name() const = 0;
  // Of every activation: float32 or float64.
  virtual at::ScalarType type() const = 0;

  // weight [out, in], any strides; bias [out] or undefined. What is given is kept alive, not copied, unless packing it
  // makes products faster.
  virtual std::unique_ptr<LinearOperation> PrepareLinear(const at::Tensor& weight, const at::Tensor& bias) = 0;

  // x [n, w] -> normed [n, w], the normalised rows before gain and bias; scale [n], what they were multiplied by; and
  // out [n, w] = normed * gain + bias. `x` may be `normed` or
  // `out`.
  virtual void Norm(const NormOptions& options, const NormWeights& weights, const at::Tensor& x,
                    const at::Tensor& normed, const at::Tensor& scale, const at::Tensor& out) = 0;
  // dx [n, w] from dout [n, w] and what Norm left; added to what `dx` holds with `add`. `dx` may be `dout` without
  // `add`.
  virtual void NormBackward(const NormOptions& options, const NormWeights& weights, const at::Tensor& dout,
                            const at::Tensor& normed, const at::Tensor& scale, const at::Tensor& dx, bool add) = 0;

  // out [n, w] = f(up). `up` is overwritten with f'(up): out's derivative, ready for Multiply.
  virtual void Activate(ActivationKind kind, const at::Tensor& up, const at::Tensor& out) = 0;
  // out [n, w] = f(gate) * up. Overwritten with out's derivatives: gate with f'(gate) * up, up with f(gate).
  virtual void ActivateGated(ActivationKind kind, const at::Tensor& gate, const at::Tensor& up,
                             const at::Tensor& out) = 0;
  // out = a * b elementwise; `out` may be `a` or `b`.
  virtual void Multiply(const at::Tensor& a, const at::Tensor& b, const at::Tensor& out) = 0;
  // x += y.
  virtual void Add(const at::Tensor& x, const at::Tensor& y) = 0;

  // Half-split rotation in place of the first `dimensions` columns of every head of x [n, heads * d], row i by the
  // angles of positions[i]; `inverse` turns back, which is the gradient (a scaled table scales both ways).
  // positions: int64 [n] on the device.
  virtual void Rotate(const RopeTable& table, const at::Tensor& positions, std::int64_t head_dim, bool inverse,
                      const at::Tensor& x) = 0;

  // q [n, H * d], k and v [n, G * d] -> z [n, H * d] and lse [H, n], the natural logarithm of each row's sum of
  // exponentials of its (scaled, capped) scores. offsets [sequences + 1]: sequence s owns rows [offsets[s], offsets[s +
  // 1]).
  virtual void Attention(const AttentionOptions& options, const std::vector<std::int64_t>& offsets, const at::Tensor& q,
                         const at::Tensor& k, const at::Tensor& v, const at::Tensor& z, const at::Tensor& lse) = 0;
  // D [H, n] = <z, dz> of every head and token: the base quantity of gradient scores, and what the reverse of attention
  // needs.
  virtual void HeadDots(std::int64_t heads, const at::Tensor& z, const at::Tensor& dz, const at::Tensor& dots) = 0;
  // The reverse: dz [n, H * d] and dots as of HeadDots -> dq [n, H * d], dk and dv [n, G * d], overwritten.
  virtual void AttentionBackward(const AttentionOptions& options, const std::vector<std::int64_t>& offsets,
                                 const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& lse,
                                 const at::Tensor& dz, const at::Tensor& dots, const at::Tensor& dq,
                                 const at::Tensor& dk, const at::Tensor& dv) = 0;

  // What a table takes beyond its arguments, in bytes, so that a batch's memory can be told before it runs: for the
  // copies that PrepareLinear makes of a weight [out, in], as long as those of all weights stay within PackLimit; for
  // the time of HeadLoss on r rows; and for the time of attention or its reverse on sequences of up to `longest`
  // tokens.
  virtual std::int64_t PackedBytes(std::int64_t out, std::int64_t in, bool bfloat16) const = 0;
  virtual std::int64_t PackLimit() const = 0;
  virtual std::int64_t HeadLossBytes(std::int64_t rows, std::int64_t width, std::int64_t vocabulary) const = 0;
  virtual std::int64_t AttentionBytes(const AttentionOptions& options, std::int64_t longest) const = 0;

  // Losses [r] in nats, in float64: logsumexp(logits) - logits[target] of each row. gradient [r, w], where it is
  // defined, becomes seeds times the losses' gradient with respect to rows; may be `rows`. [r, vocabulary] is never
  // held. Throws for targets outside the vocabulary.
  virtual std::vector<double> HeadLoss(const HeadLossInput& input, const at::Tensor& gradient) = 0;
};

}  // namespace headscope::worker
