#include "worker/model/fast/memory_per_token.h"

#include "worker/model/fast/tape.h"

namespace headscope::worker {

std::int64_t FastBytesPerToken(const DecoderSpec& spec) {
  constexpr std::int64_t kStreams = 2;
  const auto stream = spec.width * static_cast<std::int64_t>(sizeof(float));
  return spec.layers * TapeBytes(spec, 1) + kStreams * stream;
}

}  // namespace headscope::worker
