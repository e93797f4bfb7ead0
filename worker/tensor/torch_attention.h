// Attention over a packed batch and its reverse, by LibTorch: a batched product over heads for every block of queries
// of every sequence, so that memory grows with a sequence's length, not with its square. On CUDA the fused attention of
// LibTorch 2.x takes its place where its options allow (no soft cap, no window); lse is not written then, and its
// reverse does not read it.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "worker/tensor/operations.h"

namespace headscope::worker {

// Shapes as of Operations::Attention.
struct AttentionBuffers {
  at::Tensor q;
  at::Tensor k;
  at::Tensor v;
  at::Tensor z;
  at::Tensor lse;
};
void TorchAttention(const AttentionOptions& options, const std::vector<std::int64_t>& offsets,
                    const AttentionBuffers& buffers);

// Shapes as of Operations::AttentionBackward. With P = exp(S - lse): dv = P^T dz, dS = P (dz v^T - dots),
// dq = scale dS k, dk = scale dS^T q.
struct AttentionReverse {
  at::Tensor q;
  at::Tensor k;
  at::Tensor v;
  at::Tensor lse;
  at::Tensor dz;
  at::Tensor dots;
  at::Tensor dq;
  at::Tensor dk;
  at::Tensor dv;
};
void TorchAttentionBackward(const AttentionOptions& options, const std::vector<std::int64_t>& offsets,
                            const AttentionReverse& reverse);

// Bytes that either takes for its own time: scores, their gradients and the mask of one block, and its heads' rows.
std::int64_t TorchAttentionBytes(const AttentionOptions& options, std::int64_t longest, at::ScalarType type);

}  // namespace headscope::worker
