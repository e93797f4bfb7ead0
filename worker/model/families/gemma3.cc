// Gemma 3: as Gemma 2 without soft caps, with a (1 + w) norm on every head of query and key, five layers with a window
// and a rope of their own for each layer without, alone or as the language model of a larger one that also sees.
#include <cmath>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "worker/model/families/common.h"
#include "worker/model/families/family.h"
#include "worker/model/families/layer_windows.h"
#include "worker/model/families/refusals.h"
#include "worker/model/families/tensor_list.h"

namespace headscope::worker {
namespace {

constexpr int kFullRope = 0;
constexpr int kSlidingRope = 1;

void ReadSizes(ConfigReader& config, DecoderSpec* spec) {
  spec->vocabulary = config.Size("vocab_size", kMaxVocabulary, 262208);
  spec->width = config.Size("hidden_size", kMaxWidth, 2304);
  spec->mlp_width = config.Size("intermediate_size", kMaxWidth, 9216);
  spec->layers = config.Size("num_hidden_layers", kMaxLayers, 26);
  spec->positions = config.Size("max_position_embeddings", kMaxPositions, 131072);
  spec->heads = config.Size("num_attention_heads", kMaxHeads, 8);
  spec->kv_heads = config.Size("num_key_value_heads", kMaxHeads, 4);
  CheckHeads(config, *spec);
  spec->head_dim = config.Size("head_dim", kMaxHeadDim, 256);
}

// [layers]: `layer_types`, or all but every sixth (`sliding_window_pattern`) layer.
std::vector<bool> ReadWindowed(ConfigReader& config, std::int64_t layers) {
  const char* const key = config.Has("_sliding_window_pattern") ? "_sliding_window_pattern" : "sliding_window_pattern";
  const std::int64_t pattern = config.Size(key, kMaxLayers, 6);
  std::vector<bool> windowed(layers);
  for (std::int64_t layer = 0; layer < layers; ++layer) windowed[layer] = (layer + 1) % pattern != 0;
  return ReadLayerTypes(config, layers).value_or(windowed);
}

void SetAttention(ConfigReader& config, DecoderSpec* spec) {
  AttentionSpec attention;
  attention.scale = 1.0 / std::sqrt(config.Positive("query_pre_attn_scalar", 256));
  attention.score_soft_cap = config.OptionalPositive("attn_logit_softcapping", std::nullopt);
  attention.rope = kFullRope;
  spec->attention.assign(spec->layers, attention);
  const std::vector<bool> windowed = ReadWindowed(config, spec->layers);
  SetWindows(config, windowed, config.OptionalSize("sliding_window", kMaxPositions, 4096), spec);
  for (std::int64_t layer = 0; layer < spec->layers; ++layer) {
    if (windowed[layer]) spec->attention[layer].rope = kSlidingRope;
  }
}

// The older keys scale the rope of full layers alone; the newer one has an object for each.
void SetRopes(ConfigReader& config, DecoderSpec* spec) {
  // Until everything read so far made sense, head_dim may be a stand-in.
  if (!config.status().ok()) return;
  const RopeDefaults full = {.theta = 1e6};
  const RopeDefaults sliding = {.theta = 1e4, .theta_key = "rope_local_base_freq"};
  const auto read = [&](const char* type, const RopeDefaults& defaults) {
    return ReadRopeOfLayerType(config, type, spec->head_dim, spec->positions, defaults).rope;
  };
  if (HasRopeForEachLayerType(config)) {
    spec->ropes = {read("full_attention", full), read("sliding_attention", sliding)};
  } else {
    spec->ropes = {ReadRope(config, spec->head_dim, spec->positions, full).rope,
                   PlainRope(config.Positive(sliding.theta_key, sliding.theta), spec->head_dim)};
  }
  for (const RopeSpec& rope : spec->ropes) {
    if (config.status().ok() && rope.dimensions != spec->head_dim) {
      config.Unsupported(absl::StrCat("partial_rotary_factor must be 1 for ", spec->family));
    }
  }
}

Architecture MakeText(ConfigReader& config, const std::string& family) {
  Architecture architecture;
  DecoderSpec& spec = architecture.spec;
  spec.family = family;
  ReadSizes(config, &spec);
  spec.norm_epsilon = config.Positive("rms_norm_eps", 1e-6);
  spec.norm_weight_plus_one = true;
  spec.query_key_norm = true;
  spec.activation = ReadActivation(config, "hidden_activation", config.Text("hidden_activation", "gelu_pytorch_tanh"));
  spec.residual = ResidualKind::kSandwich;
  spec.embedding_scale = std::sqrt(static_cast<double>(spec.width));
  spec.logit_soft_cap = config.OptionalPositive("final_logit_softcapping", std::nullopt);
  spec.tied_head = config.Boolean("tie_word_embeddings", true);
  SetAttention(config, &spec);
  SetRopes(config, &spec);
  const bool bias = config.Boolean("attention_bias", false);
  AddLlamaTensors({.query_key_value_bias = bias, .output_bias = bias, .sandwich = true}, &architecture);
  // As the language model of a larger one, in the older and the newer layout.
  architecture.spellings = {{.prefix = "language_model.model.", .outer = "language_model."},
                            {.prefix = "model.language_model.", .outer = ""}};
  for (const char* part : {"vision_tower.*", "multi_modal_projector.*"}) {
    architecture.skipped.insert(architecture.skipped.end(), {part, absl::StrCat("model.", part)});
  }
  return architecture;
}

}  // namespace

Architecture MakeGemma3Text(ConfigReader& config) { return MakeText(config, "gemma3_text"); }

Architecture MakeGemma3(ConfigReader& config) {
  if (!config.HasValue("text_config") || !config.raw()["text_config"].is_object()) {
    config.Invalid("text_config must be an object");
    return {};
  }
  ConfigReader text(config.raw()["text_config"], "text_config");
  const std::string model_type = text.Text("model_type", "gemma3_text");
  if (model_type != "gemma3_text") {
    text.Unsupported(absl::StrCat("model_type \"", model_type.substr(0, 80), "\" is not gemma3_text"));
  }
  RefuseUnsupported(text, model_type);
  Architecture architecture = MakeText(text, "gemma3");
  // The language model ties its head by its own key; the outer one may only repeat it.
  const bool tied = config.Boolean("tie_word_embeddings", architecture.spec.tied_head);
  if (text.status().ok() && tied != architecture.spec.tied_head) {
    config.Unsupported("tie_word_embeddings differs between config.json and its text_config");
  }
  config.Include(text);
  return architecture;
}

}  // namespace headscope::worker
