// Input: adapter_config.json, a byte 0xFF, adapter_model.safetensors, beside a small model of each of two families.
#include <array>
#include <cmath>

#include "tests/fuzz/fuzz_input.h"
#include "worker/model/adapter/adapter_checkpoint.h"
#include "worker/model/families/registry.h"

namespace headscope::worker {
namespace {

using fuzz::Require;

Architecture MakeBase(const char* config) {
  auto architecture = MakeArchitecture(config);
  Require(architecture.ok(), "the target's own base");
  return *std::move(architecture);
}

const std::array<Architecture, 2>& Bases() {
  static const std::array<Architecture, 2> bases = {
      MakeBase(R"({"model_type": "llama", "vocab_size": 3, "hidden_size": 2, "intermediate_size": 2,
                   "num_hidden_layers": 1, "num_attention_heads": 1})"),
      MakeBase(R"({"model_type": "gpt2", "vocab_size": 3, "n_embd": 2, "n_layer": 1, "n_head": 1})")};
  return bases;
}

void RequireSound(const AdapterCheckpoint& adapter) {
  Require(!adapter.account.terms.empty() || !adapter.account.replacements.empty(), "an adapter has tensors");
  for (const AdapterTerm& term : adapter.account.terms) {
    Require(std::isfinite(static_cast<float>(term.scale)), "a term's scale");
    Require(term.down->shape.size() == 2 && term.up->shape.size() == 2, "factors are matrices");
    Require(term.down->shape[0] == term.up->shape[1], "factors of one rank");
  }
  for (const AdapterReplacement& replacement : adapter.account.replacements) {
    Require(replacement.tensor != nullptr && replacement.stored != nullptr, "what replaces what");
  }
}

}  // namespace
}  // namespace headscope::worker

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headscope;
  static const fuzz::Folder folder;
  std::string_view rest = fuzz::TextOf(data, size);
  folder.Write("adapter_config.json", fuzz::TakePart(rest));
  folder.Write("adapter_model.safetensors", rest);
  for (const worker::Architecture& base : worker::Bases()) {
    const auto adapter = worker::OpenAdapter(folder.path(), folder.path(), base, "base");
    fuzz::RequireRefusal(adapter.status());
    if (adapter.ok()) worker::RequireSound(*adapter);
  }
  return 0;
}
