// OPT: learned positions from row 2 on, LayerNorm before or (350m) after each branch, ReLU, embeddings that may be
// narrower than the stream.
#include "absl/strings/str_cat.h"
#include "worker/model/families/common.h"
#include "worker/model/families/family.h"
#include "worker/model/families/layer_windows.h"
#include "worker/model/families/tensor_list.h"

namespace headscope::worker {
namespace {

DecoderSpec ReadSpec(ConfigReader& config) {
  DecoderSpec spec;
  spec.family = "opt";
  spec.vocabulary = config.Size("vocab_size", kMaxVocabulary);
  spec.width = config.Size("hidden_size", kMaxWidth);
  spec.mlp_width = config.Size("ffn_dim", kMaxWidth);
  spec.layers = config.Size("num_hidden_layers", kMaxLayers);
  spec.heads = spec.kv_heads = config.Size("num_attention_heads", kMaxHeads);
  spec.head_dim = WidthPerHead(config, spec.width, spec.heads);
  spec.positions = config.Size("max_position_embeddings", kMaxPositions, 2048);
  spec.position = PositionKind::kLearned;
  spec.position_row_offset = 2;
  const std::int64_t projected =
      config.OptionalSize("word_embed_proj_dim", kMaxWidth, std::nullopt).value_or(spec.width);
  if (projected != spec.width) spec.projected_width = projected;
  spec.norm = NormKind::kLayerNorm;
  spec.norm_epsilon = 1e-5;
  const bool norm_first = config.Boolean("do_layer_norm_before", true);
  spec.residual = norm_first ? ResidualKind::kPre : ResidualKind::kPost;
  spec.final_norm = norm_first && !config.Boolean("_remove_final_layer_norm", false);
  spec.activation = ReadActivation(config, "activation_function", config.Text("activation_function", "relu"));
  spec.gated_mlp = false;
  spec.tied_head = config.Boolean("tie_word_embeddings", true);
  SetPlainAttention(&spec);
  RefuseWindows(config, spec);
  return spec;
}

}  // namespace

Architecture MakeOpt(ConfigReader& config) {
  using enum WeightRole;
  Architecture architecture;
  architecture.spec = ReadSpec(config);
  architecture.prefix = "model.";
  const bool bias = config.Boolean("enable_bias", true);
  TensorList list(&architecture);
  list.Add("decoder.embed_tokens", kEmbedding, 0, false);
  list.Add("decoder.embed_positions", kPositionEmbedding, 0, false);
  if (architecture.spec.projected_width.has_value()) {
    list.Add("decoder.project_in", kEmbeddingProjection, 0, false);
    list.Add("decoder.project_out", kHeadProjection, 0, false);
  }
  for (std::int64_t layer = 0; layer < architecture.spec.layers; ++layer) {
    const std::string at = absl::StrCat("decoder.layers.", layer, ".");
    list.Add(at + "self_attn.q_proj", kQuery, layer, bias);
    list.Add(at + "self_attn.k_proj", kKey, layer, bias);
    list.Add(at + "self_attn.v_proj", kValue, layer, bias);
    list.Add(at + "self_attn.out_proj", kOutput, layer, bias);
    list.Add(at + "self_attn_layer_norm", kAttentionNorm, layer, true);
    list.Add(at + "fc1", kUp, layer, bias);
    list.Add(at + "fc2", kDown, layer, bias);
    list.Add(at + "final_layer_norm", kMlpNorm, layer, true);
  }
  if (architecture.spec.final_norm) list.Add("decoder.final_layer_norm", kFinalNorm, 0, true);
  list.AddHead("lm_head", /*bias=*/false);
  return architecture;
}

}  // namespace headscope::worker
