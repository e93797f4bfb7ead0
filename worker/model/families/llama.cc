// Llama 1 to 3.x and what was built like them: RMS norms, whole-head rotary positions, grouped key and value heads,
// gated MLP, optional biases.
#include "worker/model/families/common.h"
#include "worker/model/families/family.h"
#include "worker/model/families/layer_windows.h"
#include "worker/model/families/tensor_list.h"

namespace headscope::worker {

Architecture MakeLlama(ConfigReader& config) {
  Architecture architecture;
  DecoderSpec& spec = architecture.spec;
  spec.family = "llama";
  ReadLlamaSizes(config, &spec);
  spec.positions = config.Size("max_position_embeddings", kMaxPositions, 2048);
  ReadGroupedHeads(config, std::nullopt, &spec);
  spec.head_dim = ReadHeadDim(config, spec.width, spec.heads);
  spec.norm_epsilon = config.Positive("rms_norm_eps", 1e-6);
  spec.activation = ReadActivation(config, "hidden_act", config.Text("hidden_act", "silu"));
  spec.tied_head = config.Boolean("tie_word_embeddings", false);
  SetPlainAttention(&spec);
  RefuseWindows(config, spec);
  SetWholeHeadRope(config, &spec);
  LlamaLayout layout;
  layout.query_key_value_bias = layout.output_bias = config.Boolean("attention_bias", false);
  layout.mlp_bias = config.Boolean("mlp_bias", false);
  AddLlamaTensors(layout, &architecture);
  return architecture;
}

}  // namespace headscope::worker
