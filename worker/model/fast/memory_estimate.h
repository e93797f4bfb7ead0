// What a batch costs the fast engine in memory, said before it runs.
#pragma once

#include <cstdint>

#include "worker/model/decoder_spec.h"
#include "worker/model/fast/fast_engine.h"
#include "worker/model/model.h"
#include "worker/tensor/operations.h"

namespace headscope::worker {

// What decides on a batch's memory. Most of it is linear in `tokens`; nothing grows faster.
struct BatchShape {
  std::int64_t samples = 1;
  // Of all samples together, and those supervised among them.
  std::int64_t tokens = 0;
  std::int64_t response_tokens = 0;
  // Longest sample, in tokens.
  std::int64_t longest = 0;
};

// In bytes.
struct FastMemory {
  // The model's own weights in the dtype that they are computed in.
  std::int64_t weights = 0;
  // Copies of weights in the layout that this processor's products like best.
  std::int64_t packed = 0;
  // Activations that the forward pass leaves for the reverse, and the other buffers that are kept between batches.
  std::int64_t buffers = 0;
  // For the time of a call: the vocabulary head's sums, attention's scratch, results.
  std::int64_t passing = 0;

  std::int64_t total() const { return weights + packed + buffers + passing; }
};

// Peak above what the process takes without a model, for Gradients on a batch of that shape on `operations` with the
// calling thread's threads.
FastMemory EstimateFastMemory(const ModelDescription& model, DType dtype, const BatchShape& batch,
                              const Operations& operations, const FastEngineOptions& options = {});

// What one token more takes while all layers keep their activations, in float64 or float32: the slope of `buffers`.
std::int64_t FastBytesPerToken(const DecoderSpec& spec, bool float64);

}  // namespace headscope::worker
