// Writes down an architecture's tensors in a family's own words.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/model/architecture.h"

namespace headscope::worker {

// Appends to `architecture`, whose spec is complete and which outlives this. Names are without the prefix, which is put
// before each. Thread-compatible.
class TensorList {
 public:
  explicit TensorList(Architecture* architecture);

  // `name`.weight, and with `bias` also `name`.bias.
  void Add(const std::string& name, WeightRole role, std::int64_t layer, bool bias);
  // The tensor `name` alone.
  void AddTensor(const std::string& name, WeightSlot slot);
  // As Add, but several roles share the tensors, rows of one after rows of the other.
  void AddFused(const std::string& name, const std::vector<WeightRole>& roles, std::int64_t layer, bool bias);
  // As AddFused with a bias, but the weight is stored [in, out].
  void AddConv1d(const std::string& name, const std::vector<WeightRole>& roles, std::int64_t layer);
  // As AddFused, but the roles take turns head by head: head_dim rows of each, for every head.
  void AddFusedByHead(const std::string& name, const std::vector<WeightRole>& roles, std::int64_t layer, bool bias);
  // The vocabulary head, outside of the prefix: `name`.weight is read, or in a tied model tolerated; with `bias`
  // `name`.bias is read in both.
  void AddHead(const std::string& name, bool bias);
  // A name, '#' for a number, that is there in some checkpoints and means nothing. Goes behind the prefix.
  void Ignore(const std::string& pattern);

 private:
  Placement Whole(const WeightSlot& slot) const;
  FileTensor Fused(const std::string& name, const std::vector<WeightRole>& roles, WeightPart part,
                   std::int64_t layer) const;
  FileTensor FusedByHead(const std::string& name, const std::vector<WeightRole>& roles, WeightPart part,
                         std::int64_t layer) const;

  Architecture& architecture_;
};

// The layout that llama and its descendants share.
struct LlamaLayout {
  bool query_key_value_bias = false;
  bool output_bias = false;
  bool mlp_bias = false;
  // The MLP's own pre and post norms, post_attention_layernorm standing after the attention branch (Gemma 2); otherwise
  // post_attention_layernorm is the norm before the MLP.
  bool sandwich = false;
};

// `model.embed_tokens`, `model.layers.N...`, `model.norm`, `lm_head`, with prefix "model.".
void AddLlamaTensors(const LlamaLayout& layout, Architecture* architecture);

}  // namespace headscope::worker
