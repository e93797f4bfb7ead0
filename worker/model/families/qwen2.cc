// Qwen 2 and 2.5: as Llama, with biases on query, key and value, and windows on the upper layers where they are asked
// for.
#include "worker/model/families/common.h"
#include "worker/model/families/family.h"
#include "worker/model/families/layer_windows.h"
#include "worker/model/families/tensor_list.h"

namespace headscope::worker {

Architecture MakeQwen2(ConfigReader& config) {
  Architecture architecture;
  DecoderSpec& spec = architecture.spec;
  spec.family = "qwen2";
  ReadLlamaSizes(config, &spec);
  spec.positions = config.Size("max_position_embeddings", kMaxPositions, 32768);
  ReadGroupedHeads(config, 32, &spec);
  spec.head_dim = ReadHeadDim(config, spec.width, spec.heads);
  spec.norm_epsilon = config.Positive("rms_norm_eps", 1e-6);
  spec.activation = ReadActivation(config, "hidden_act", config.Text("hidden_act", "silu"));
  spec.tied_head = config.Boolean("tie_word_embeddings", false);
  SetPlainAttention(&spec);
  SetQwenWindows(config, &spec);
  SetWholeHeadRope(config, &spec);
  AddLlamaTensors({.query_key_value_bias = true}, &architecture);
  return architecture;
}

}  // namespace headscope::worker
