#include "worker/tensor/torch_norm.h"

#include <ATen/ATen.h>

namespace headscope::worker {
namespace {

// The factor [w] of the normalised rows, in their type.
at::Tensor Gain(const NormOptions& options, const NormWeights& weights, const at::Tensor& like) {
  const at::Tensor gain = weights.gain.to(like.scalar_type());
  return options.kind == NormKind::kRmsNorm && options.gain_plus_one ? gain + 1.0 : gain;
}

at::Tensor RowMeans(const at::Tensor& x) { return x.mean(-1, /*keepdim=*/true); }

}  // namespace

void TorchNorm(const NormOptions& options, const NormWeights& weights, const NormBuffers& buffers) {
  at::Tensor normed = buffers.normed, out = buffers.out;
  at::Tensor centred = buffers.x;
  if (options.kind == NormKind::kLayerNorm) {
    at::sub_out(normed, buffers.x, RowMeans(buffers.x));
    centred = normed;
  }
  const at::Tensor scale = at::rsqrt(RowMeans(centred.square()) + options.epsilon);  // [n, 1]
  buffers.scale.copy_(scale.squeeze(-1));
  at::mul_out(normed, centred, scale);
  at::mul_out(out, normed, Gain(options, weights, normed));
  if (weights.bias.defined()) out.add_(weights.bias);
}

void TorchNormBackward(const NormOptions& options, const NormWeights& weights, const NormReverse& reverse) {
  at::Tensor gradient = reverse.dout * Gain(options, weights, reverse.dout);  // [n, w]
  const at::Tensor along = RowMeans(gradient * reverse.normed);
  if (options.kind == NormKind::kLayerNorm) gradient.sub_(RowMeans(gradient));
  gradient.addcmul_(reverse.normed, along, -1).mul_(reverse.scale.unsqueeze(-1));
  if (reverse.add) {
    reverse.dx.add_(gradient);
  } else {
    reverse.dx.copy_(gradient);
  }
}

}  // namespace headscope::worker
