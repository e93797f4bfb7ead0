// Small models with random weights for every kind of block that a DecoderSpec can say, whether or not a family has it
// yet.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "worker/model/decoder_spec.h"
#include "worker/model/model.h"

namespace headscope::worker {

struct NamedSpec {
  std::string name;
  DecoderSpec spec;
};

// One spec for each residual topology with other norms, activations, ropes, windows, caps, biases and head shapes.
std::vector<NamedSpec> EverySpec();

// The same weights for the same spec, in float32 or widened from it to float64, or rounded to bfloat16. `round` rounds
// them to bfloat16 before they are widened.
std::shared_ptr<const Model> RandomModel(const DecoderSpec& spec, DType dtype, bool round = false);

}  // namespace headscope::worker
