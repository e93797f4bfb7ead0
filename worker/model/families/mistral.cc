// Mistral: as Llama, with a window on all layers unless it is null, and without biases.
#include "worker/model/families/common.h"
#include "worker/model/families/family.h"
#include "worker/model/families/layer_windows.h"
#include "worker/model/families/tensor_list.h"

namespace headscope::worker {

Architecture MakeMistral(ConfigReader& config) {
  Architecture architecture;
  DecoderSpec& spec = architecture.spec;
  spec.family = "mistral";
  ReadLlamaSizes(config, &spec);
  spec.positions = config.Size("max_position_embeddings", kMaxPositions, 131072);
  ReadGroupedHeads(config, 8, &spec);
  spec.head_dim = ReadHeadDim(config, spec.width, spec.heads);
  spec.norm_epsilon = config.Positive("rms_norm_eps", 1e-6);
  spec.activation = ReadActivation(config, "hidden_act", config.Text("hidden_act", "silu"));
  spec.tied_head = config.Boolean("tie_word_embeddings", false);
  SetPlainAttention(&spec);
  SetWindowOfAllLayers(config, 4096, &spec);
  SetWholeHeadRope(config, &spec);
  AddLlamaTensors(LlamaLayout{}, &architecture);
  return architecture;
}

}  // namespace headscope::worker
