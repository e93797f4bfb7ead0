// Phi 1, 1.5 and 2: attention and MLP side by side behind one LayerNorm, a rotation of the first part of each head,
// biases everywhere, the vocabulary head included.
#include "absl/strings/str_cat.h"
#include "worker/model/families/common.h"
#include "worker/model/families/family.h"
#include "worker/model/families/layer_windows.h"
#include "worker/model/families/tensor_list.h"

namespace headscope::worker {
namespace {

DecoderSpec ReadSpec(ConfigReader& config) {
  DecoderSpec spec;
  spec.family = "phi";
  ReadLlamaSizes(config, &spec);
  spec.positions = config.Size("max_position_embeddings", kMaxPositions, 2048);
  ReadGroupedHeads(config, std::nullopt, &spec);
  spec.head_dim = ReadHeadDim(config, spec.width, spec.heads);
  spec.norm = NormKind::kLayerNorm;
  spec.norm_epsilon = config.Positive("layer_norm_eps", 1e-5);
  spec.query_key_norm = config.Boolean("qk_layernorm", false);
  spec.activation = ReadActivation(config, "hidden_act", config.Text("hidden_act", "gelu_new"));
  spec.gated_mlp = false;
  spec.residual = ResidualKind::kParallel;
  spec.parallel_shared_norm = true;
  spec.tied_head = config.Boolean("tie_word_embeddings", false);
  SetPlainAttention(&spec);
  RefuseWindows(config, spec);
  SetRope(config, {.partial_rotary_factor = 0.5}, &spec);
  return spec;
}

}  // namespace

Architecture MakePhi(ConfigReader& config) {
  using enum WeightRole;
  Architecture architecture;
  architecture.spec = ReadSpec(config);
  architecture.prefix = "model.";
  TensorList list(&architecture);
  list.Add("embed_tokens", kEmbedding, 0, false);
  for (std::int64_t layer = 0; layer < architecture.spec.layers; ++layer) {
    const std::string at = absl::StrCat("layers.", layer, ".");
    list.Add(at + "input_layernorm", kAttentionNorm, layer, true);
    list.Add(at + "self_attn.q_proj", kQuery, layer, true);
    list.Add(at + "self_attn.k_proj", kKey, layer, true);
    list.Add(at + "self_attn.v_proj", kValue, layer, true);
    list.Add(at + "self_attn.dense", kOutput, layer, true);
    if (architecture.spec.query_key_norm) {
      list.Add(at + "self_attn.q_layernorm", kQueryNorm, layer, true);
      list.Add(at + "self_attn.k_layernorm", kKeyNorm, layer, true);
    }
    list.Add(at + "mlp.fc1", kUp, layer, true);
    list.Add(at + "mlp.fc2", kDown, layer, true);
  }
  list.Add("final_layernorm", kFinalNorm, 0, true);
  list.AddHead("lm_head", /*bias=*/true);
  list.Ignore("layers.#.self_attn.rotary_emb.inv_freq");
  return architecture;
}

}  // namespace headscope::worker
