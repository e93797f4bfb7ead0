#include "worker/model/families/tensor_list.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace headscope::worker {

TensorList::TensorList(Architecture* architecture) : architecture_(*architecture) {}

Placement TensorList::Whole(const WeightSlot& slot) const {
  const std::int64_t rows = SlotShape(architecture_.spec, slot)[0];
  return {.slot = slot, .begin = 0, .block = rows, .stride = rows, .count = 1};
}

void TensorList::AddTensor(const std::string& name, WeightSlot slot) {
  architecture_.tensors.push_back({.name = architecture_.prefix + name, .placements = {Whole(slot)}});
}

void TensorList::Add(const std::string& name, WeightRole role, std::int64_t layer, bool bias) {
  AddTensor(name + ".weight", {role, WeightPart::kWeight, layer});
  if (bias) AddTensor(name + ".bias", {role, WeightPart::kBias, layer});
}

void TensorList::AddConv1d(const std::string& name, const std::vector<WeightRole>& roles, std::int64_t layer) {
  FileTensor weight = {.name = architecture_.prefix + name + ".weight", .placements = {}, .transposed = true};
  FileTensor bias = {.name = architecture_.prefix + name + ".bias", .placements = {}};
  std::int64_t row = 0;
  for (const WeightRole role : roles) {
    weight.placements.push_back(Whole({role, WeightPart::kWeight, layer}));
    bias.placements.push_back(Whole({role, WeightPart::kBias, layer}));
    weight.placements.back().begin = bias.placements.back().begin = row;
    row += weight.placements.back().block;
  }
  architecture_.tensors.push_back(std::move(weight));
  architecture_.tensors.push_back(std::move(bias));
}

void TensorList::AddHead(const std::string& name) {
  architecture_.tensors.push_back({.name = name,
                                   .placements = {Whole({WeightRole::kHead, WeightPart::kWeight, 0})},
                                   .presence = architecture_.spec.tied_head ? Presence::kUnread : Presence::kRequired});
}

void TensorList::Ignore(const std::string& pattern) { architecture_.ignored.push_back(architecture_.prefix + pattern); }

void AddLlamaTensors(const LlamaLayout& layout, Architecture* architecture) {
  using enum WeightRole;
  architecture->prefix = "model.";
  TensorList list(architecture);
  list.Add("embed_tokens", kEmbedding, 0, false);
  for (std::int64_t layer = 0; layer < architecture->spec.layers; ++layer) {
    const std::string at = absl::StrCat("layers.", layer, ".");
    list.Add(at + "input_layernorm", kAttentionNorm, layer, false);
    list.Add(at + "self_attn.q_proj", kQuery, layer, layout.query_key_value_bias);
    list.Add(at + "self_attn.k_proj", kKey, layer, layout.query_key_value_bias);
    list.Add(at + "self_attn.v_proj", kValue, layer, layout.query_key_value_bias);
    list.Add(at + "self_attn.o_proj", kOutput, layer, layout.output_bias);
    if (architecture->spec.query_key_norm) {
      list.Add(at + "self_attn.q_norm", kQueryNorm, layer, false);
      list.Add(at + "self_attn.k_norm", kKeyNorm, layer, false);
    }
    // One name, two meanings: see LlamaLayout::sandwich.
    list.Add(at + "post_attention_layernorm", layout.sandwich ? kAttentionPostNorm : kMlpNorm, layer, false);
    if (layout.sandwich) {
      list.Add(at + "pre_feedforward_layernorm", kMlpNorm, layer, false);
      list.Add(at + "post_feedforward_layernorm", kMlpPostNorm, layer, false);
    }
    list.Add(at + "mlp.gate_proj", kGate, layer, layout.mlp_bias);
    list.Add(at + "mlp.up_proj", kUp, layer, layout.mlp_bias);
    list.Add(at + "mlp.down_proj", kDown, layer, layout.mlp_bias);
  }
  list.Add("norm", kFinalNorm, 0, false);
  list.AddHead("lm_head.weight");
  list.Ignore("layers.#.self_attn.rotary_emb.inv_freq");
  list.Ignore("rotary_emb.inv_freq");
}

}  // namespace headscope::worker
