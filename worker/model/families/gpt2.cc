// GPT-2: learned positions, LayerNorm, biases everywhere, Conv1D weights stored [in, out], one fused projection for
// query, key and value.
#include <cmath>

#include "absl/strings/str_cat.h"
#include "worker/model/families/common.h"
#include "worker/model/families/family.h"
#include "worker/model/families/layer_windows.h"
#include "worker/model/families/tensor_list.h"

namespace headscope::worker {
namespace {

// Each layer's factor on q.k.
std::vector<AttentionSpec> ReadAttention(ConfigReader& config, const DecoderSpec& spec) {
  const bool by_head_dim = config.Boolean("scale_attn_weights", true);
  const bool by_layer = config.Boolean("scale_attn_by_inverse_layer_idx", false);
  // Changes the order of roundings in narrow dtypes only.
  config.Boolean("reorder_and_upcast_attn", false);
  std::vector<AttentionSpec> attention(spec.layers);
  for (std::int64_t layer = 0; layer < spec.layers; ++layer) {
    attention[layer].scale = by_head_dim ? 1.0 / std::sqrt(static_cast<double>(spec.head_dim)) : 1.0;
    if (by_layer) attention[layer].scale /= static_cast<double>(layer + 1);
  }
  return attention;
}

DecoderSpec ReadSpec(ConfigReader& config) {
  DecoderSpec spec;
  spec.family = "gpt2";
  spec.vocabulary = config.Size("vocab_size", kMaxVocabulary);
  spec.width = config.Size("n_embd", kMaxWidth);
  spec.layers = config.Size("n_layer", kMaxLayers);
  spec.heads = config.Size("n_head", kMaxHeads);
  spec.kv_heads = spec.heads;
  spec.head_dim = WidthPerHead(config, spec.width, spec.heads);
  spec.positions = config.Size("n_positions", kMaxPositions, 1024);
  spec.mlp_width = config.OptionalSize("n_inner", kMaxWidth, std::nullopt).value_or(4 * spec.width);
  spec.norm = NormKind::kLayerNorm;
  spec.norm_epsilon = config.Positive("layer_norm_epsilon", 1e-5);
  spec.position = PositionKind::kLearned;
  spec.activation = ReadActivation(config, "activation_function", config.Text("activation_function", "gelu_new"));
  spec.gated_mlp = false;
  spec.tied_head = config.Boolean("tie_word_embeddings", true);
  spec.attention = ReadAttention(config, spec);
  RefuseWindows(config, spec);
  return spec;
}

}  // namespace

Architecture MakeGpt2(ConfigReader& config) {
  using enum WeightRole;
  Architecture architecture;
  architecture.spec = ReadSpec(config);
  architecture.prefix = "transformer.";
  TensorList list(&architecture);
  list.Add("wte", kEmbedding, 0, false);
  list.Add("wpe", kPositionEmbedding, 0, false);
  for (std::int64_t layer = 0; layer < architecture.spec.layers; ++layer) {
    const std::string at = absl::StrCat("h.", layer, ".");
    list.Add(at + "ln_1", kAttentionNorm, layer, true);
    list.AddConv1d(at + "attn.c_attn", {kQuery, kKey, kValue}, layer);
    list.AddConv1d(at + "attn.c_proj", {kOutput}, layer);
    list.Add(at + "ln_2", kMlpNorm, layer, true);
    list.AddConv1d(at + "mlp.c_fc", {kUp}, layer);
    list.AddConv1d(at + "mlp.c_proj", {kDown}, layer);
  }
  list.Add("ln_f", kFinalNorm, 0, true);
  list.AddHead("lm_head", /*bias=*/false);
  list.Ignore("h.#.attn.bias");
  list.Ignore("h.#.attn.masked_bias");
  return architecture;
}

}  // namespace headscope::worker
