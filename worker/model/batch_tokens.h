// How many tokens a batch of the fast engine should have.
#pragma once

#include <cstdint>
#include <string_view>

#include "worker/model/decoder_spec.h"

namespace headscope::worker {

// Size of the cache next to memory, in bytes, as Linux tells it; 0 when it does not.
std::int64_t LastLevelCacheBytes();

// Tokens of a batch that suit `device` ("cpu" or "cuda:N") best. On a CPU what a layer's steps hand to each other
// should stay in a cache of `cache_bytes`, from 512 tokens, where products are at their rate, to 1,024, beyond which
// nothing is gained; and no activation should have to be computed again, down to 128 tokens. A CUDA device wants rows
// enough for all of its processors: more, the narrower the model.
std::uint32_t RecommendBatchTokens(const DecoderSpec& spec, std::string_view device, std::int64_t cache_bytes);

}  // namespace headscope::worker
