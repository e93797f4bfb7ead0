// Qwen 3: as Qwen 2, with an RMS norm on every head of query and key before the rotation instead of their biases.
#include "worker/model/families/common.h"
#include "worker/model/families/family.h"
#include "worker/model/families/layer_windows.h"
#include "worker/model/families/tensor_list.h"

namespace headscope::worker {

Architecture MakeQwen3(ConfigReader& config) {
  Architecture architecture;
  DecoderSpec& spec = architecture.spec;
  spec.family = "qwen3";
  ReadLlamaSizes(config, &spec);
  spec.positions = config.Size("max_position_embeddings", kMaxPositions, 32768);
  ReadGroupedHeads(config, 32, &spec);
  spec.head_dim = config.Has("head_dim") ? ReadHeadDim(config, spec.width, spec.heads) : 128;
  spec.norm_epsilon = config.Positive("rms_norm_eps", 1e-6);
  spec.query_key_norm = true;
  spec.activation = ReadActivation(config, "hidden_act", config.Text("hidden_act", "silu"));
  spec.tied_head = config.Boolean("tie_word_embeddings", false);
  SetPlainAttention(&spec);
  SetQwenWindows(config, &spec);
  SetWholeHeadRope(config, &spec);
  const bool bias = config.Boolean("attention_bias", false);
  AddLlamaTensors({.query_key_value_bias = bias, .output_bias = bias}, &architecture);
  return architecture;
}

}  // namespace headscope::worker
