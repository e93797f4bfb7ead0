// Gemma 2: norms before and after each branch with weights (1 + w), soft caps on scores and logits, windows on every
// other layer, scaled embeddings.
#include <cmath>
#include <vector>

#include "worker/model/families/common.h"
#include "worker/model/families/family.h"
#include "worker/model/families/layer_windows.h"
#include "worker/model/families/tensor_list.h"

namespace headscope::worker {
namespace {

// Whether each layer's attention has a window: `layer_types`, or every other layer beginning with the first.
std::vector<bool> ReadWindowed(ConfigReader& config, std::int64_t layers) {
  std::vector<bool> windowed(layers);
  for (std::int64_t layer = 0; layer < layers; ++layer) windowed[layer] = layer % 2 == 0;
  return ReadLayerTypes(config, layers).value_or(windowed);
}

void SetAttention(ConfigReader& config, DecoderSpec* spec) {
  AttentionSpec attention;
  attention.scale = 1.0 / std::sqrt(config.Positive("query_pre_attn_scalar", 256));
  attention.score_soft_cap = config.OptionalPositive("attn_logit_softcapping", 50.0);
  spec->attention.assign(spec->layers, attention);
  SetWindows(config, ReadWindowed(config, spec->layers), config.OptionalSize("sliding_window", kMaxPositions, 4096),
             spec);
}

}  // namespace

Architecture MakeGemma2(ConfigReader& config) {
  Architecture architecture;
  DecoderSpec& spec = architecture.spec;
  spec.family = "gemma2";
  ReadLlamaSizes(config, &spec);
  spec.positions = config.Size("max_position_embeddings", kMaxPositions, 8192);
  spec.heads = config.Size("num_attention_heads", kMaxHeads, 8);
  spec.kv_heads = config.Size("num_key_value_heads", kMaxHeads, 4);
  CheckHeads(config, spec);
  spec.head_dim = config.Size("head_dim", kMaxHeadDim, 256);
  spec.norm_epsilon = config.Positive("rms_norm_eps", 1e-6);
  spec.norm_weight_plus_one = true;
  spec.activation = ReadActivation(config, "hidden_activation", config.Text("hidden_activation", "gelu_pytorch_tanh"));
  spec.residual = ResidualKind::kSandwich;
  spec.embedding_scale = std::sqrt(static_cast<double>(spec.width));
  spec.logit_soft_cap = config.OptionalPositive("final_logit_softcapping", 30.0);
  spec.tied_head = config.Boolean("tie_word_embeddings", true);
  SetAttention(config, &spec);
  SetWholeHeadRope(config, &spec);
  const bool bias = config.Boolean("attention_bias", false);
  AddLlamaTensors({.query_key_value_bias = bias, .output_bias = bias, .sandwich = true}, &architecture);
  return architecture;
}

}  // namespace headscope::worker
