// Keys that would change a model's arithmetic are followed or refused by name, family by family; never passed over.
#include <string>

#include <gtest/gtest.h>

#include "tests/worker/support/test_checkpoint.h"
#include "worker/model/families/registry.h"

namespace headscope::worker {
namespace {

using nlohmann::json;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;
constexpr absl::StatusCode kUnsupported = absl::StatusCode::kFailedPrecondition;

json Changed(json config, const json& change) {
  for (const auto& [key, value] : change.items()) config[key] = value;
  return config;
}

absl::Status StatusOf(const json& config) { return MakeArchitecture(config.dump()).status(); }

// The golden case `name` with `change` merged in is refused with `code`, the text naming `word`.
void ExpectRefused(const std::string& name, const json& change, absl::StatusCode code, const std::string& word) {
  const absl::Status status = StatusOf(Changed(TestModel::Golden(name).config, change));
  EXPECT_EQ(status.code(), code) << name << " " << change << " " << status;
  EXPECT_NE(status.message().find(word), absl::string_view::npos) << name << " " << change << " " << status;
}

void ExpectAccepted(const std::string& name, const json& change) {
  const absl::Status status = StatusOf(Changed(TestModel::Golden(name).config, change));
  EXPECT_TRUE(status.ok()) << name << " " << change << " " << status;
}

TEST(ConfigUnsupportedTest, KeysOfOtherArithmeticAreRefusedInEveryFamily) {
  const json changes = {{"add_cross_attention", true},
                        {"clip_qkv", 8.0},
                        {"embedding_multiplier", 12},
                        {"is_causal", false},
                        {"is_encoder_decoder", true},
                        {"logits_scaling", 8.0},
                        {"rope_interleaved", true},
                        {"residual_multiplier", 0.2},
                        {"pruned_heads", {{"0", {1}}}},
                        {"attention_chunk_size", 64},
                        {"use_mrope", true},
                        {"scale_embeddings", true}};
  for (const std::string& family : FamilyNames()) {
    for (const auto& [key, value] : changes.items()) ExpectRefused(family, {{key, value}}, kUnsupported, key);
    ExpectAccepted(
        family,
        {{"is_causal", true}, {"embedding_multiplier", 1.0}, {"pruned_heads", json::object()}, {"clip_qkv", nullptr}});
  }
}

TEST(ConfigUnsupportedTest, WhatANestedConfigAsksForIsRefusedToo) {
  for (const json& change :
       {json({{"use_bidirectional_attention", true}}), json({{"quantization_config", {{"quant_method", "awq"}}}}),
        json({{"hidden_activation", "quick_gelu"}}), json({{"model_type", "gemma4_text"}})}) {
    json config = TestModel::Golden("gemma3").config;
    config["text_config"] = Changed(config["text_config"], change);
    const absl::Status status = StatusOf(config);
    EXPECT_EQ(status.code(), kUnsupported) << change << status;
    EXPECT_NE(status.message().find("text_config"), absl::string_view::npos) << status;
  }
  ExpectRefused("gemma3", {{"text_config", nullptr}}, kInvalid, "text_config");
  ExpectRefused("gemma3", {{"tie_word_embeddings", false}}, kUnsupported, "tie_word_embeddings");
}

TEST(ConfigUnsupportedTest, CapsAreRefusedWhereAFamilyHasNone) {
  for (const char* family : {"gemma", "llama", "mistral", "qwen3", "phi3"}) {
    ExpectRefused(family, {{"attn_logit_softcapping", 50.0}}, kUnsupported, "attn_logit_softcapping");
    ExpectRefused(family, {{"final_logit_softcapping", 30.0}}, kUnsupported, "final_logit_softcapping");
    ExpectRefused(family, {{"query_pre_attn_scalar", 168}}, kUnsupported, "query_pre_attn_scalar");
    ExpectAccepted(family, {{"attn_logit_softcapping", nullptr}});
  }
  ExpectAccepted("gemma3_text", {{"attn_logit_softcapping", 50.0}, {"final_logit_softcapping", 30.0}});
}

TEST(ConfigUnsupportedTest, WindowsAreRefusedWhereAFamilyHasNone) {
  for (const char* family : {"gpt2", "gpt_neox", "llama", "opt", "phi", "gemma"}) {
    ExpectRefused(family, {{"sliding_window", 16}}, kUnsupported, "sliding_window");
    ExpectRefused(family, {{"layer_types", {"full_attention", "full_attention", "sliding_attention"}}}, kUnsupported,
                  "layer_types entry 2 is sliding_attention");
    ExpectAccepted(family,
                   {{"sliding_window", 4096}, {"layer_types", {"full_attention", "full_attention", "full_attention"}}});
  }
}

TEST(ConfigUnsupportedTest, LayerTypesThatContradictTheWindowKeysAreRefused) {
  const json mixed = {"sliding_attention", "full_attention", "sliding_attention"};
  ExpectRefused("mistral", {{"layer_types", mixed}}, kUnsupported, "layer_types entry 1 is full_attention");
  ExpectRefused("qwen2", {{"layer_types", mixed}}, kUnsupported, "layer_types entry 0 is sliding_attention");
  ExpectRefused("qwen2", {{"layer_types", mixed}, {"use_sliding_window", true}, {"sliding_window", nullptr}}, kInvalid,
                "layer 0 is sliding_attention but sliding_window is null");
  ExpectRefused("gemma3_text", {{"sliding_window", nullptr}}, kInvalid, "sliding_window is null");
}

TEST(ConfigUnsupportedTest, HeadsOfASizeTheirFamilyCannotHaveAreRefused) {
  for (const char* family : {"gpt2", "gpt_neox", "opt"}) {
    ExpectRefused(family, {{"head_dim", 20}}, kUnsupported, "head_dim");
    ExpectAccepted(family, {{"head_dim", 16}});
  }
}

TEST(ConfigUnsupportedTest, OptWithoutNormWeightsIsRefused) {
  ExpectRefused("opt", {{"layer_norm_elementwise_affine", false}}, kUnsupported, "layer_norm_elementwise_affine");
}

TEST(ConfigUnsupportedTest, HeadNormsAreRefusedWhereAFamilyHasNone) {
  ExpectRefused("llama", {{"qk_layernorm", true}}, kUnsupported, "qk_layernorm");
  ExpectAccepted("phi", {{"qk_layernorm", true}});
}

TEST(ConfigUnsupportedTest, OldAndNewKeysThatDisagreeAreRefused) {
  ExpectRefused("gpt_neox", {{"rotary_pct", 0.5}}, kInvalid, "rotary_pct");
  ExpectRefused("gpt_neox", {{"rotary_emb_base", 500}}, kInvalid, "rotary_emb_base");
}

TEST(ConfigUnsupportedTest, RopeKeysThatAKindDoesNotHaveAreRefused) {
  const json linear = {{"rope_type", "linear"}, {"factor", 2.0}};
  ExpectAccepted("llama", {{"rope_scaling", linear}});
  ExpectRefused("llama", {{"rope_scaling", Changed(linear, {{"mrope_section", {1, 2}}})}}, kUnsupported,
                "\"mrope_section\" is not known for rope_type linear");
  ExpectRefused("llama", {{"rope_scaling", {{"type", "dynamic"}, {"alpha", 1000.0}, {"factor", 1.0}}}}, kUnsupported,
                "\"alpha\"");
  ExpectRefused(
      "phi3",
      {{"rope_scaling", Changed(TestModel::Golden("phi3_longrope").config["rope_scaling"], {{"long_mscale", 1.2}})}},
      kUnsupported, "\"long_mscale\"");
}

TEST(ConfigUnsupportedTest, NumbersOfARopeThatMakeNoSenseAreNamed) {
  const json yarn = {{"rope_type", "yarn"}, {"factor", 4.0}};
  ExpectRefused("llama", {{"rope_scaling", {{"rope_type", "yarn"}}}}, kInvalid, "factor");
  ExpectRefused("llama", {{"rope_scaling", Changed(yarn, {{"beta_fast", 1.0}, {"beta_slow", 8.0}})}}, kInvalid,
                "beta_fast");
  ExpectRefused("llama", {{"rope_scaling", Changed(yarn, {{"truncate", 1}})}}, kInvalid, "truncate");
  ExpectRefused("llama", {{"rope_scaling", Changed(yarn, {{"attention_factor", -1}})}}, kInvalid, "attention_factor");
  ExpectRefused("llama", {{"rope_scaling", {{"type", "dynamic"}, {"factor", 0.5}}}}, kInvalid, "factor");
  ExpectRefused("llama",
                {{"rope_scaling", {{"type", "dynamic"}, {"factor", 2.0}, {"original_max_position_embeddings", 64}}}},
                kInvalid, "max_position_embeddings");
}

TEST(ConfigUnsupportedTest, LongropeNeedsAFactorForEachPairAndOneMeaningOfStretch) {
  const json scaling = TestModel::Golden("phi3_longrope").config["rope_scaling"];
  for (const json& factors : {json(), json(3.0), json({1.0, 2.0}), json({1.0, 2.0, "3"}), json({1.0, 2.0, 0.0})}) {
    ExpectRefused("phi3_longrope", {{"rope_scaling", Changed(scaling, {{"short_factor", factors}})}}, kInvalid,
                  "short_factor must be 3 numbers");
    ExpectRefused("phi3_longrope", {{"rope_scaling", Changed(scaling, {{"long_factor", factors}})}}, kInvalid,
                  "long_factor must be 3 numbers");
  }
  ExpectRefused("phi3_longrope", {{"rope_scaling", Changed(scaling, {{"factor", 2.0}})}}, kInvalid,
                "max_position_embeddings / original_max_position_embeddings, which is 4");
  ExpectAccepted("phi3_longrope", {{"rope_scaling", Changed(scaling, {{"factor", 4.0}})}});
  ExpectAccepted("phi3_longrope", {{"rope_scaling", Changed(scaling, {{"factor", 2.0}, {"attention_factor", 1.1}})}});
}

TEST(ConfigUnsupportedTest, RopesOfLayerTypesAreReadWhole) {
  json parameters = TestModel::Golden("gemma3").config["text_config"]["rope_parameters"];
  ExpectAccepted("gemma3_text", {{"rope_scaling", nullptr}, {"rope_parameters", parameters}});
  json unknown = parameters;
  unknown["chunked_attention"] = {{"rope_theta", 1e4}};
  ExpectRefused("gemma3_text", {{"rope_scaling", nullptr}, {"rope_parameters", unknown}}, kUnsupported,
                "chunked_attention");
  parameters.erase("sliding_attention");
  ExpectRefused("gemma3_text", {{"rope_scaling", nullptr}, {"rope_parameters", parameters}}, kInvalid,
                "sliding_attention must be an object");
  for (const char* family : {"gemma2", "llama", "qwen3", "phi"}) {
    ExpectRefused(family, {{"rope_parameters", {{"full_attention", {{"rope_theta", 1e4}}}}}}, kUnsupported,
                  "per layer type");
  }
}

}  // namespace
}  // namespace headscope::worker
