// GPT-NeoX and Pythia: LayerNorm, a rotation of the first part of each head, attention and MLP side by side or one
// after the other, query, key and value fused head by head.
#include "absl/strings/str_cat.h"
#include "worker/model/families/common.h"
#include "worker/model/families/family.h"
#include "worker/model/families/layer_windows.h"
#include "worker/model/families/tensor_list.h"

namespace headscope::worker {
namespace {

// Older keys of the same meaning win; where both are given they have to agree.
double ReadEither(ConfigReader& config, const char* older, const char* newer, double fallback) {
  const double value = config.Positive(older, config.Positive(newer, fallback));
  if (config.Has(older) && config.Has(newer) && config.Positive(newer) != value) {
    config.Invalid(absl::StrCat(older, " and ", newer, " are both given and differ; keep one"));
  }
  return value;
}

DecoderSpec ReadSpec(ConfigReader& config) {
  DecoderSpec spec;
  spec.family = "gpt_neox";
  ReadLlamaSizes(config, &spec);
  spec.positions = config.Size("max_position_embeddings", kMaxPositions, 2048);
  spec.heads = spec.kv_heads = config.Size("num_attention_heads", kMaxHeads);
  spec.head_dim = WidthPerHead(config, spec.width, spec.heads);
  spec.norm = NormKind::kLayerNorm;
  spec.norm_epsilon = config.Positive("layer_norm_eps", 1e-5);
  spec.activation = ReadActivation(config, "hidden_act", config.Text("hidden_act", "gelu"));
  spec.gated_mlp = false;
  const bool parallel = config.Boolean("use_parallel_residual", true);
  spec.residual = parallel ? ResidualKind::kParallel : ResidualKind::kPre;
  spec.tied_head = config.Boolean("tie_word_embeddings", false);
  SetPlainAttention(&spec);
  RefuseWindows(config, spec);
  RopeDefaults defaults;
  defaults.theta = ReadEither(config, "rotary_emb_base", "rope_theta", 10000.0);
  defaults.partial_rotary_factor = ReadEither(config, "rotary_pct", "partial_rotary_factor", 0.25);
  SetRope(config, defaults, &spec);
  return spec;
}

}  // namespace

Architecture MakeGptNeox(ConfigReader& config) {
  using enum WeightRole;
  Architecture architecture;
  architecture.spec = ReadSpec(config);
  architecture.prefix = "gpt_neox.";
  const bool bias = config.Boolean("attention_bias", true);
  TensorList list(&architecture);
  list.Add("embed_in", kEmbedding, 0, false);
  for (std::int64_t layer = 0; layer < architecture.spec.layers; ++layer) {
    const std::string at = absl::StrCat("layers.", layer, ".");
    list.Add(at + "input_layernorm", kAttentionNorm, layer, true);
    list.AddFusedByHead(at + "attention.query_key_value", {kQuery, kKey, kValue}, layer, bias);
    list.Add(at + "attention.dense", kOutput, layer, bias);
    list.Add(at + "post_attention_layernorm", kMlpNorm, layer, true);
    list.Add(at + "mlp.dense_h_to_4h", kUp, layer, true);
    list.Add(at + "mlp.dense_4h_to_h", kDown, layer, true);
  }
  list.Add("final_layer_norm", kFinalNorm, 0, true);
  list.AddHead("embed_out", /*bias=*/false);
  for (const char* buffer : {"bias", "masked_bias", "rotary_emb.inv_freq"}) {
    list.Ignore(absl::StrCat("layers.#.attention.", buffer));
  }
  list.Ignore("rotary_emb.inv_freq");
  return architecture;
}

}  // namespace headscope::worker
