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

FileTensor TensorList::Fused(const std::string& name, const std::vector<WeightRole>& roles, WeightPart part,
                             std::int64_t layer) const {
  FileTensor tensor = {.name = architecture_.prefix + name, .placements = {}};
  std::int64_t row = 0;
  for (const WeightRole role : roles) {
    tensor.placements.push_back(Whole({role, part, layer}));
    tensor.placements.back().begin = row;
    row += tensor.placements.back().block;
  }
  return tensor;
}

FileTensor TensorList::FusedByHead(const std::string& name, const std::vector<WeightRole>& roles, WeightPart part,
                                   std::int64_t layer) const {
  const std::int64_t rows = architecture_.spec.head_dim;
  FileTensor tensor = {.name = architecture_.prefix + name, .placements = {}};
  for (const WeightRole role : roles) {
    tensor.placements.push_back({.slot = {role, part, layer},
                                 .begin = rows * static_cast<std::int64_t>(tensor.placements.size()),
                                 .block = rows,
                                 .stride = rows * static_cast<std::int64_t>(roles.size()),
                                 .count = architecture_.spec.heads});
  }
  return tensor;
}

void TensorList::AddFused(const std::string& name, const std::vector<WeightRole>& roles, std::int64_t layer,
                          bool bias) {
  architecture_.tensors.push_back(Fused(name + ".weight", roles, WeightPart::kWeight, layer));
  if (bias) architecture_.tensors.push_back(Fused(name + ".bias", roles, WeightPart::kBias, layer));
}

void TensorList::AddConv1d(const std::string& name, const std::vector<WeightRole>& roles, std::int64_t layer) {
  architecture_.tensors.push_back(Fused(name + ".weight", roles, WeightPart::kWeight, layer));
  architecture_.tensors.back().transposed = true;
  architecture_.tensors.push_back(Fused(name + ".bias", roles, WeightPart::kBias, layer));
}

void TensorList::AddFusedByHead(const std::string& name, const std::vector<WeightRole>& roles, std::int64_t layer,
                                bool bias) {
  architecture_.tensors.push_back(FusedByHead(name + ".weight", roles, WeightPart::kWeight, layer));
  if (bias) architecture_.tensors.push_back(FusedByHead(name + ".bias", roles, WeightPart::kBias, layer));
}

void TensorList::AddHead(const std::string& name, bool bias) {
  using enum WeightPart;
  architecture_.tensors.push_back({.name = name + ".weight",
                                   .placements = {Whole({WeightRole::kHead, kWeight, 0})},
                                   .presence = architecture_.spec.tied_head ? Presence::kUnread : Presence::kRequired});
  if (!bias) return;
  architecture_.tensors.push_back({.name = name + ".bias", .placements = {Whole({WeightRole::kHead, kBias, 0})}});
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
  list.AddHead("lm_head", /*bias=*/false);
  list.Ignore("layers.#.self_attn.rotary_emb.inv_freq");
  list.Ignore("rotary_emb.inv_freq");
}

}  // namespace headscope::worker
