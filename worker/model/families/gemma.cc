// Gemma 1: as Llama, with norm weights (1 + w), scaled embeddings, a tied head and GELU's tanh approximation.
#include <cmath>

#include "worker/model/families/common.h"
#include "worker/model/families/family.h"
#include "worker/model/families/layer_windows.h"
#include "worker/model/families/tensor_list.h"

namespace headscope::worker {

Architecture MakeGemma(ConfigReader& config) {
  Architecture architecture;
  DecoderSpec& spec = architecture.spec;
  spec.family = "gemma";
  ReadLlamaSizes(config, &spec);
  spec.positions = config.Size("max_position_embeddings", kMaxPositions, 8192);
  spec.heads = config.Size("num_attention_heads", kMaxHeads, 16);
  spec.kv_heads = config.Size("num_key_value_heads", kMaxHeads, 16);
  CheckHeads(config, spec);
  spec.head_dim = config.Size("head_dim", kMaxHeadDim, 256);
  spec.norm_epsilon = config.Positive("rms_norm_eps", 1e-6);
  spec.norm_weight_plus_one = true;
  // The first checkpoints say hidden_act "gelu" and mean the approximation: only hidden_activation counts.
  spec.activation = ReadActivation(config, "hidden_activation", config.Text("hidden_activation", "gelu_pytorch_tanh"));
  spec.embedding_scale = std::sqrt(static_cast<double>(spec.width));
  spec.tied_head = config.Boolean("tie_word_embeddings", true);
  SetPlainAttention(&spec);
  RefuseWindows(config, spec);
  SetWholeHeadRope(config, &spec);
  const bool bias = config.Boolean("attention_bias", false);
  AddLlamaTensors({.query_key_value_bias = bias, .output_bias = bias}, &architecture);
  return architecture;
}

}  // namespace headscope::worker
