#include "worker/tools/model_writer/checkpoint_plan.h"

#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace headscope::worker {
namespace {

constexpr double kDeviation = 0.02;

nlohmann::ordered_json GenerationConfig(std::int64_t end_of_sequence) {
  return {{"_from_model_config", true}, {"bos_token_id", end_of_sequence}, {"eos_token_id", end_of_sequence}};
}

void AddNorm(const std::string& name, std::int64_t width, bool bias, std::vector<PlannedTensor>& tensors) {
  tensors.push_back({name + ".weight", {width}, 1.0, 0.0});
  if (bias) tensors.push_back({name + ".bias", {width}, 0.0, 0.0});
}

// GPT-2's linears are stored [in, out].
void AddConv1d(const std::string& name, std::int64_t in, std::int64_t out, double deviation,
               std::vector<PlannedTensor>& tensors) {
  tensors.push_back({name + ".weight", {in, out}, 0.0, deviation});
  tensors.push_back({name + ".bias", {out}, 0.0, 0.0});
}

void AddGpt2Layer(const Gpt2Shape& shape, std::int64_t layer, std::vector<PlannedTensor>& tensors) {
  const double residual = kDeviation / std::sqrt(2.0 * static_cast<double>(shape.layers));
  const std::string block = absl::StrCat("h.", layer);
  AddNorm(block + ".ln_1", shape.width, true, tensors);
  AddConv1d(block + ".attn.c_attn", shape.width, 3 * shape.width, kDeviation, tensors);
  AddConv1d(block + ".attn.c_proj", shape.width, shape.width, residual, tensors);
  AddNorm(block + ".ln_2", shape.width, true, tensors);
  AddConv1d(block + ".mlp.c_fc", shape.width, 4 * shape.width, kDeviation, tensors);
  AddConv1d(block + ".mlp.c_proj", 4 * shape.width, shape.width, residual, tensors);
}

void AddLlamaLayer(const LlamaShape& shape, std::int64_t layer, std::vector<PlannedTensor>& tensors) {
  const std::string block = absl::StrCat("model.layers.", layer);
  const auto add = [&](const std::string& name, std::int64_t out, std::int64_t in) {
    tensors.push_back({block + name + ".weight", {out, in}, 0.0, shape.deviation});
  };
  AddNorm(block + ".input_layernorm", shape.width, false, tensors);
  add(".self_attn.q_proj", shape.heads * shape.head_dim, shape.width);
  add(".self_attn.k_proj", shape.kv_heads * shape.head_dim, shape.width);
  add(".self_attn.v_proj", shape.kv_heads * shape.head_dim, shape.width);
  add(".self_attn.o_proj", shape.width, shape.heads * shape.head_dim);
  AddNorm(block + ".post_attention_layernorm", shape.width, false, tensors);
  add(".mlp.gate_proj", shape.mlp_width, shape.width);
  add(".mlp.up_proj", shape.mlp_width, shape.width);
  add(".mlp.down_proj", shape.width, shape.mlp_width);
}

}  // namespace

CheckpointPlan PlanGpt2(const Gpt2Shape& shape) {
  CheckpointPlan plan;
  const std::int64_t end_of_sequence = shape.vocabulary - 1;
  plan.config = {{"architectures", {"GPT2LMHeadModel"}},
                 {"model_type", "gpt2"},
                 {"activation_function", "gelu_new"},
                 {"bos_token_id", end_of_sequence},
                 {"eos_token_id", end_of_sequence},
                 {"initializer_range", kDeviation},
                 {"layer_norm_epsilon", 1e-5},
                 {"n_embd", shape.width},
                 {"n_head", shape.heads},
                 {"n_layer", shape.layers},
                 {"n_positions", shape.positions},
                 {"tie_word_embeddings", true},
                 {"vocab_size", shape.vocabulary}};
  plan.generation_config = GenerationConfig(end_of_sequence);
  plan.tensors.push_back({"wte.weight", {shape.vocabulary, shape.width}, 0.0, kDeviation});
  plan.tensors.push_back({"wpe.weight", {shape.positions, shape.width}, 0.0, kDeviation});
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) AddGpt2Layer(shape, layer, plan.tensors);
  AddNorm("ln_f", shape.width, true, plan.tensors);
  return plan;
}

CheckpointPlan PlanLlama(const LlamaShape& shape) {
  CheckpointPlan plan;
  const std::int64_t end_of_sequence = shape.vocabulary - 1;
  plan.config = {{"architectures", {"LlamaForCausalLM"}},
                 {"model_type", "llama"},
                 {"attention_bias", false},
                 {"bos_token_id", end_of_sequence},
                 {"eos_token_id", end_of_sequence},
                 {"head_dim", shape.head_dim},
                 {"hidden_act", "silu"},
                 {"hidden_size", shape.width},
                 {"initializer_range", shape.deviation},
                 {"intermediate_size", shape.mlp_width},
                 {"max_position_embeddings", shape.positions},
                 {"mlp_bias", false},
                 {"num_attention_heads", shape.heads},
                 {"num_hidden_layers", shape.layers},
                 {"num_key_value_heads", shape.kv_heads},
                 {"rms_norm_eps", 1e-6},
                 {"rope_theta", 10000.0},
                 {"tie_word_embeddings", true},
                 {"vocab_size", shape.vocabulary}};
  plan.generation_config = GenerationConfig(end_of_sequence);
  plan.tensors.push_back({"model.embed_tokens.weight", {shape.vocabulary, shape.width}, 0.0, shape.deviation});
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) AddLlamaLayer(shape, layer, plan.tensors);
  AddNorm("model.norm", shape.width, false, plan.tensors);
  return plan;
}

absl::StatusOr<CheckpointPlan> PlanShape(std::string_view name) {
  if (name == "gpt2-small") return PlanGpt2({});
  if (name == "llama-small") return PlanLlama({});
  if (name == "gpt2-tiny") return PlanGpt2({.layers = 2, .heads = 4, .width = 64, .positions = 256});
  if (name == "llama-tiny") {
    return PlanLlama(
        {.layers = 2, .heads = 4, .kv_heads = 2, .head_dim = 16, .width = 64, .mlp_width = 128, .positions = 256});
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown shape '", std::string(name), "'; known: gpt2-small, llama-small, gpt2-tiny, llama-tiny"));
}

}  // namespace headscope::worker
