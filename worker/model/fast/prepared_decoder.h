// A model's weights as operations, ready to be run.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "worker/model/decoder_spec.h"
#include "worker/model/decoder_weights.h"
#include "worker/tensor/operations.h"

namespace headscope::worker {

// What the spec does not have is null or undefined.
struct PreparedLayer {
  NormWeights attention_norm, attention_post_norm, query_norm, key_norm, mlp_norm, mlp_post_norm;
  std::unique_ptr<LinearOperation> query, key, value, output, gate, up, down;
  AttentionOptions attention;
};

// Move-only. Refers to the tensors of `weights`, which it keeps alive.
struct PreparedDecoder {
  NormOptions norm;
  std::vector<PreparedLayer> layers;
  NormWeights final_norm;
  // With DecoderSpec::projected_width.
  std::unique_ptr<LinearOperation> embedding_projection, head_projection;
  // Bytes taken beyond the model's own.
  std::int64_t packed_bytes = 0;
};

// Throws what ATen throws.
PreparedDecoder PrepareDecoder(const DecoderSpec& spec, const DecoderWeights& weights, Operations& operations);

}  // namespace headscope::worker
