// The one decoder: a forward pass that a DecoderSpec describes whole. Built on ATen, so autograd can go through it.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "absl/status/statusor.h"
#include "worker/model/decoder_spec.h"
#include "worker/model/decoder_weights.h"
#include "worker/model/engine.h"

namespace headscope::worker {

// Sees the inside of a forward pass. What it is shown belongs to the graph: it may be kept to take gradients of it.
class DecoderObserver {
 public:
  virtual ~DecoderObserver() = default;
  // Once per layer, in order. `z` [batch, heads, query, head_dim]: the heads' outputs before their gates.
  // `projected` [batch, query, width]: the gated outputs through the output projection, its bias not yet added.
  virtual void OnAttention(std::int64_t layer, const at::Tensor& z, const at::Tensor& projected) = 0;
};

struct ForwardInput {
  // int64 [batch, query], right-padded with any ids of the vocabulary: no position sees a later one.
  at::Tensor token_ids;
  // [batch] tokens of each sample without padding, by which some ropes choose; empty: all are without.
  std::vector<std::int64_t> lengths;
  // Empty (all ones), or one per layer: [batch, heads] or [batch, heads, query] in the weights' dtype. The output z of
  // a head is multiplied by its gate before the output projection.
  std::vector<at::Tensor> gates;
  // Asked before each layer. May be empty.
  CancelCheck cancelled;
  // May be null; outlives the call.
  DecoderObserver* observer = nullptr;
};

// Hidden states [batch, query, width] after the final norm, in the weights' dtype and on their device. Whether a graph
// is recorded is the caller's grad mode; weights may require gradients. Errors: CANCELLED. Throws what ATen throws:
// call it inside TorchGuard.
absl::StatusOr<at::Tensor> ForwardHidden(const DecoderSpec& spec, const DecoderWeights& weights,
                                         const ForwardInput& input);

// Logits [..., vocabulary] of hidden states [..., width], projection and soft cap included. Throws as above.
at::Tensor HeadLogits(const DecoderSpec& spec, const DecoderWeights& weights, const at::Tensor& hidden);

}  // namespace headscope::worker
