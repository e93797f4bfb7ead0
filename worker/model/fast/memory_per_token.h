// What a token costs the fast engine.
#pragma once

#include <cstdint>

#include "worker/model/decoder_spec.h"

namespace headscope::worker {

// Bytes of activations that the fast engine keeps for each token of a batch from its forward to its reverse pass, as
// long as its budget allows: the tapes of all layers, the residual stream and its gradient. For one token; a batch's
// take as many times that.
std::int64_t FastBytesPerToken(const DecoderSpec& spec);

}  // namespace headscope::worker
