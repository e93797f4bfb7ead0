// The vocabulary head's losses and their gradient on the CPU, in one pass over the vocabulary.
#pragma once

#include <vector>

#include "worker/tensor/cpu/kernel_table.h"
#include "worker/tensor/operations.h"

namespace headscope::worker {

// As Operations::HeadLoss, in float or double. The vocabulary is met in chunks: G += exp(logit - running maximum)
// W_chunk, rescaled when the maximum grows; at last gradient = seed * (G / total - W[target]). No logit is computed
// twice, and of [rows, vocabulary] only a tile a thread exists. Runs of chunks are parts with a G and a running softmax
// of their own, which are merged in order: so there are enough units of work for many threads, and their number changes
// nothing.
template <typename Real>
std::vector<double> CpuHeadLoss(const KernelTable<Real>& kernels, const HeadLossInput& input,
                                const at::Tensor& gradient);

// Bytes that it takes for its own time, its gradient included.
template <typename Real>
std::int64_t CpuHeadLossBytes(std::int64_t rows, std::int64_t width, std::int64_t vocabulary, std::int64_t threads);

}  // namespace headscope::worker
