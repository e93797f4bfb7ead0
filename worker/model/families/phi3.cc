// Phi 3, 3.5 and 4: as Llama, with query, key and value in one tensor and gate and up in another, rotations that may
// leave out columns and use other frequencies in long samples, and a window on all layers where one is given.
#include "absl/strings/str_cat.h"
#include "worker/model/families/common.h"
#include "worker/model/families/family.h"
#include "worker/model/families/layer_windows.h"
#include "worker/model/families/tensor_list.h"

namespace headscope::worker {
namespace {

DecoderSpec ReadSpec(ConfigReader& config) {
  DecoderSpec spec;
  spec.family = "phi3";
  ReadLlamaSizes(config, &spec);
  spec.positions = config.Size("max_position_embeddings", kMaxPositions, 4096);
  ReadGroupedHeads(config, std::nullopt, &spec);
  spec.head_dim = ReadHeadDim(config, spec.width, spec.heads);
  spec.norm_epsilon = config.Positive("rms_norm_eps", 1e-5);
  spec.activation = ReadActivation(config, "hidden_act", config.Text("hidden_act", "silu"));
  spec.tied_head = config.Boolean("tie_word_embeddings", false);
  SetPlainAttention(&spec);
  SetWindowOfAllLayers(config, std::nullopt, &spec);
  SetRope(config, {.original_positions = 4096, .longrope_has_older_names = true}, &spec);
  return spec;
}

}  // namespace

Architecture MakePhi3(ConfigReader& config) {
  using enum WeightRole;
  Architecture architecture;
  architecture.spec = ReadSpec(config);
  architecture.prefix = "model.";
  TensorList list(&architecture);
  list.Add("embed_tokens", kEmbedding, 0, false);
  for (std::int64_t layer = 0; layer < architecture.spec.layers; ++layer) {
    const std::string at = absl::StrCat("layers.", layer, ".");
    list.Add(at + "input_layernorm", kAttentionNorm, layer, false);
    list.AddFused(at + "self_attn.qkv_proj", {kQuery, kKey, kValue}, layer, false);
    list.Add(at + "self_attn.o_proj", kOutput, layer, false);
    list.Add(at + "post_attention_layernorm", kMlpNorm, layer, false);
    list.AddFused(at + "mlp.gate_up_proj", {kGate, kUp}, layer, false);
    list.Add(at + "mlp.down_proj", kDown, layer, false);
  }
  list.Add("norm", kFinalNorm, 0, false);
  list.AddHead("lm_head", /*bias=*/false);
  list.Ignore("layers.#.self_attn.rotary_emb.inv_freq");
  return architecture;
}

}  // namespace headscope::worker
