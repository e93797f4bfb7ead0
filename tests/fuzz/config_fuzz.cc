// Input: a config.json. What is accepted has a complete architecture of sound numbers.
#include <cmath>

#include "tests/fuzz/fuzz_input.h"
#include "worker/model/config_reader.h"
#include "worker/model/families/registry.h"
#include "worker/model/rope_frequencies.h"

namespace headscope::worker {
namespace {

using fuzz::Require;

void RequireShapes(const Architecture& architecture) {
  for (const FileTensor& tensor : architecture.tensors) {
    std::int64_t bytes = sizeof(double);
    for (const std::int64_t dimension : FileShape(architecture.spec, tensor)) {
      Require(dimension > 0, "dimensions of a weight");
      Require(!__builtin_mul_overflow(bytes, dimension, &bytes), "bytes of a weight");
    }
  }
}

void RequireRope(const RopeSpec& rope, std::int64_t positions) {
  Require(rope.dimensions >= 2 && rope.dimensions % 2 == 0, "rotary dimensions");
  Require(std::isfinite(rope.attention_scaling) && rope.attention_scaling > 0, "a rope's attention scaling");
  for (const std::int64_t length : {std::int64_t{1}, positions}) {
    const std::vector<float> frequencies = FrequenciesOfLength(rope, length);
    Require(static_cast<std::int64_t>(frequencies.size()) == rope.dimensions / 2, "a frequency for each pair");
    for (const float frequency : frequencies) {
      Require(std::isfinite(frequency * static_cast<float>(positions)) && frequency >= 0, "angles");
    }
  }
}

void RequireSoundSpec(const DecoderSpec& spec) {
  Require(spec.layers >= 1 && spec.layers <= kMaxLayers, "layers");
  Require(spec.kv_heads >= 1 && spec.heads % spec.kv_heads == 0, "heads");
  Require(spec.positions >= 1 && spec.positions <= kMaxPositions, "positions");
  Require(std::isfinite(spec.norm_epsilon) && spec.norm_epsilon > 0, "epsilon");
  Require(std::isfinite(spec.embedding_scale), "embedding scale");
  Require(static_cast<std::int64_t>(spec.attention.size()) == spec.layers, "an attention for each layer");
  for (const AttentionSpec& attention : spec.attention) {
    Require(std::isfinite(attention.scale) && attention.scale > 0, "an attention's scale");
    Require(attention.window.value_or(1) >= 1, "a window");
    Require(attention.rope.value_or(-1) < static_cast<int>(spec.ropes.size()), "an attention's rope");
  }
  for (const RopeSpec& rope : spec.ropes) RequireRope(rope, spec.positions);
}

}  // namespace
}  // namespace headscope::worker

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headscope;
  const auto architecture = worker::MakeArchitecture(std::string(fuzz::TextOf(data, size)));
  fuzz::RequireRefusal(architecture.status());
  if (!architecture.ok()) return 0;
  worker::RequireSoundSpec(architecture->spec);
  worker::RequireShapes(*architecture);
  return 0;
}
