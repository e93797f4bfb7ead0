// The objective, mean negative log-likelihood over a sample's supervised tokens, and its gradient at the hidden states.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "worker/model/decoder_spec.h"
#include "worker/model/decoder_weights.h"
#include "worker/model/padded_batch.h"

namespace headscope::worker {

struct ObjectiveResult {
  // [samples] in nats, averaged in float64.
  std::vector<double> objective;
  // [predictions, width]: gradient of the sum of objectives at each predicting hidden state. Undefined unless asked
  // for.
  at::Tensor gradient;
};

// rows [predictions, width]: the hidden states (after the final norm) of `batch`'s predictions, without a graph. The
// vocabulary is met in chunks of rows, so [predictions, vocabulary] is never held. Throws what ATen throws.
ObjectiveResult ComputeObjective(const DecoderSpec& spec, const DecoderWeights& weights, const PaddedBatch& batch,
                                 const at::Tensor& rows, bool with_gradient);

}  // namespace headscope::worker
