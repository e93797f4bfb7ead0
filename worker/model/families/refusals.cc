#include "worker/model/families/refusals.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace headscope::worker {
namespace {

// Families whose positions are linear biases on the scores.
constexpr std::array<std::string_view, 3> kAlibiFamilies = {"bloom", "mpt", "jais"};

// Keys by which mixtures of experts are known.
constexpr std::array<const char*, 5> kExpertKeys = {"num_local_experts", "num_experts", "n_routed_experts",
                                                    "moe_intermediate_size", "num_experts_per_tok"};

// Keys and the one value, beside null, with which they change nothing.
const std::vector<std::pair<std::string, nlohmann::json>>& NeutralValues() {
  static const std::vector<std::pair<std::string, nlohmann::json>> values = {
      {"add_cross_attention", false},
      {"attention_chunk_size", nullptr},
      {"attn_temperature_tuning", false},
      {"clip_qkv", nullptr},
      {"embedding_multiplier", 1},
      {"is_causal", true},
      {"is_encoder_decoder", false},
      {"layer_norm_elementwise_affine", true},
      {"learned_embeddings", true},
      {"logit_scale", 1},
      {"logits_scaling", 1},
      {"pruned_heads", nlohmann::json::object()},
      {"residual_multiplier", 1},
      {"rope_interleave", false},
      {"rope_interleaved", false},
      {"scale_embeddings", false},
      {"use_mrope", false},
      {"use_qk_norm", false},
  };
  return values;
}

std::string Shown(const nlohmann::json& value) {
  return value.dump(-1, ' ', /*ensure_ascii=*/true, nlohmann::json::error_handler_t::replace).substr(0, 80);
}

void RefuseQuantization(ConfigReader& config) {
  if (!config.HasValue("quantization_config")) return;
  const nlohmann::json& quantization = config.raw()["quantization_config"];
  const std::string method =
      quantization.is_object() ? Shown(quantization.value("quant_method", nlohmann::json())) : "";
  config.Unsupported(absl::StrCat("quantization_config ", method,
                                  ": quantised weights are not supported; use the model's original weights"));
}

void RefuseExperts(ConfigReader& config, const std::string& model_type) {
  for (const char* key : kExpertKeys) {
    if (!config.HasValue(key) || config.raw()[key] == 0) continue;
    return config.Unsupported(
        absl::StrCat(key, ": mixtures of experts are not supported (model_type \"", model_type, "\")"));
  }
}

void RefuseAlibi(ConfigReader& config, const std::string& model_type) {
  const bool flag = config.HasValue("alibi") && config.raw()["alibi"] != false;
  if (flag || std::count(kAlibiFamilies.begin(), kAlibiFamilies.end(), model_type) > 0 ||
      config.Text("position_embedding_type", "") == "alibi") {
    config.Unsupported(absl::StrCat("ALiBi positions are not supported (model_type \"", model_type, "\")"));
  }
}

}  // namespace

void RefuseUnsupported(ConfigReader& config, const std::string& model_type) {
  RefuseQuantization(config);
  RefuseExperts(config, model_type);
  RefuseAlibi(config, model_type);
  if (config.HasValue("use_bidirectional_attention") && config.raw()["use_bidirectional_attention"] != false) {
    config.Unsupported("use_bidirectional_attention: only attention to earlier tokens is supported");
  }
  for (const auto& [key, neutral] : NeutralValues()) {
    if (!config.HasValue(key) || config.raw()[key] == neutral) continue;
    config.Unsupported(absl::StrCat(key, " ", Shown(config.raw()[key]), " is not supported, only ", Shown(neutral)));
  }
}

void RefuseLeftOut(ConfigReader& config, const DecoderSpec& spec) {
  const auto refuse = [&](const char* key) {
    config.Unsupported(absl::StrCat(key, " is not supported for model_type \"", spec.family, "\""));
  };
  const bool scores_capped = std::any_of(spec.attention.begin(), spec.attention.end(),
                                         [](const AttentionSpec& layer) { return layer.score_soft_cap.has_value(); });
  if (config.HasValue("attn_logit_softcapping") && !scores_capped) refuse("attn_logit_softcapping");
  if (config.HasValue("final_logit_softcapping") && !spec.logit_soft_cap.has_value()) {
    refuse("final_logit_softcapping");
  }
  const double scalar = config.HasValue("query_pre_attn_scalar") ? config.Positive("query_pre_attn_scalar") : 0;
  if (scalar > 0 && std::abs(spec.attention[0].scale * std::sqrt(scalar) - 1) > 1e-9) refuse("query_pre_attn_scalar");
  if (config.HasValue("qk_layernorm") && config.raw()["qk_layernorm"] != spec.query_key_norm) refuse("qk_layernorm");
}

}  // namespace headscope::worker
