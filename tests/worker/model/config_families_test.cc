// What each family makes of its config.json: class defaults where keys are absent, and what its own keys do.
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/support/test_checkpoint.h"
#include "worker/model/families/registry.h"

namespace headscope::worker {
namespace {

using nlohmann::json;

DecoderSpec SpecOf(const json& config) {
  const auto architecture = MakeArchitecture(config.dump());
  EXPECT_TRUE(architecture.ok()) << architecture.status();
  return architecture.ok() ? architecture->spec : DecoderSpec{};
}

// The sizes without which no model is described, and nothing else.
json Sizes(const char* model_type, int layers = 2) {
  return {{"model_type", model_type}, {"vocab_size", 97}, {"hidden_size", 128},
          {"intermediate_size", 112}, {"ffn_dim", 112},   {"num_hidden_layers", layers},
          {"num_attention_heads", 32}};
}

json With(json config, const json& change) {
  for (const auto& [key, value] : change.items()) config[key] = value;
  return config;
}

std::vector<std::optional<std::int64_t>> Windows(const DecoderSpec& spec) {
  std::vector<std::optional<std::int64_t>> windows;
  for (const AttentionSpec& attention : spec.attention) windows.push_back(attention.window);
  return windows;
}

constexpr std::nullopt_t kNone = std::nullopt;
using ::testing::ElementsAre;

TEST(ConfigFamiliesTest, MistralDefaults) {
  const DecoderSpec spec = SpecOf(Sizes("mistral"));
  EXPECT_EQ(spec.kv_heads, 8);
  EXPECT_EQ(spec.head_dim, 4);
  EXPECT_EQ(spec.norm_epsilon, 1e-6);
  EXPECT_FALSE(spec.tied_head);
  EXPECT_THAT(Windows(spec), ElementsAre(4096, 4096));
}

TEST(ConfigFamiliesTest, MistralHasNoWindowWhereItIsNullAndAHeadSizeOfItsOwn) {
  const DecoderSpec spec =
      SpecOf(With(Sizes("mistral"), {{"sliding_window", nullptr}, {"num_key_value_heads", nullptr}, {"head_dim", 6}}));
  EXPECT_THAT(Windows(spec), ElementsAre(kNone, kNone));
  EXPECT_EQ(spec.kv_heads, 32);
  EXPECT_EQ(spec.head_dim, 6);
  EXPECT_DOUBLE_EQ(spec.attention[0].scale, 1 / std::sqrt(6.0));
}

TEST(ConfigFamiliesTest, Qwen2Defaults) {
  const DecoderSpec spec = SpecOf(Sizes("qwen2"));
  EXPECT_EQ(spec.kv_heads, 32);
  EXPECT_EQ(spec.norm_epsilon, 1e-6);
  EXPECT_FALSE(spec.tied_head);
  EXPECT_FALSE(spec.query_key_norm);
  EXPECT_THAT(Windows(spec), ElementsAre(kNone, kNone));
}

TEST(ConfigFamiliesTest, QwenWindowsNeedTheirSwitchAndStandOnTheUpperLayers) {
  for (const char* family : {"qwen2", "qwen3"}) {
    const json sizes = Sizes(family, 3);
    EXPECT_THAT(Windows(SpecOf(With(sizes, {{"sliding_window", 9}, {"max_window_layers", 1}}))),
                ElementsAre(kNone, kNone, kNone));
    const json used = With(sizes, {{"use_sliding_window", true}, {"sliding_window", 9}});
    EXPECT_THAT(Windows(SpecOf(used)), ElementsAre(kNone, kNone, kNone)) << "28 layers stay full by default";
    EXPECT_THAT(Windows(SpecOf(With(used, {{"max_window_layers", 1}}))), ElementsAre(kNone, 9, 9));
    EXPECT_THAT(Windows(SpecOf(With(used, {{"max_window_layers", 0}}))), ElementsAre(9, 9, 9));
    EXPECT_THAT(
        Windows(SpecOf(With(used, {{"layer_types", {"sliding_attention", "full_attention", "sliding_attention"}}}))),
        ElementsAre(9, kNone, 9));
    json absent = With(sizes, {{"use_sliding_window", true}, {"max_window_layers", 2}});
    EXPECT_THAT(Windows(SpecOf(absent)), ElementsAre(kNone, kNone, 4096));
  }
}

TEST(ConfigFamiliesTest, Qwen3Defaults) {
  const DecoderSpec spec = SpecOf(Sizes("qwen3"));
  EXPECT_EQ(spec.head_dim, 128);
  EXPECT_TRUE(spec.query_key_norm);
  EXPECT_FALSE(spec.norm_weight_plus_one);
}

TEST(ConfigFamiliesTest, GemmaDefaults) {
  json config = Sizes("gemma");
  config.erase("num_attention_heads");
  const DecoderSpec spec = SpecOf(With(config, {{"hidden_act", "gelu"}}));
  EXPECT_EQ(spec.heads, 16);
  EXPECT_EQ(spec.kv_heads, 16);
  EXPECT_EQ(spec.head_dim, 256);
  EXPECT_TRUE(spec.tied_head);
  EXPECT_TRUE(spec.norm_weight_plus_one);
  EXPECT_EQ(spec.activation, ActivationKind::kGeluTanh) << "hidden_act does not count";
  EXPECT_EQ(SpecOf(With(config, {{"hidden_activation", nullptr}})).activation, ActivationKind::kGeluTanh);
  EXPECT_EQ(SpecOf(With(config, {{"hidden_activation", "gelu"}})).activation, ActivationKind::kGelu);
  EXPECT_DOUBLE_EQ(spec.embedding_scale, std::sqrt(128.0));
}

// A nested config holds what differs from its class alone.
TEST(ConfigFamiliesTest, Gemma3DefaultsFillWhatTheNestedConfigLeavesOut) {
  const DecoderSpec spec = SpecOf({{"model_type", "gemma3"}, {"text_config", json::object()}});
  EXPECT_EQ(spec.family, "gemma3");
  EXPECT_EQ(spec.vocabulary, 262208);
  EXPECT_EQ(spec.width, 2304);
  EXPECT_EQ(spec.mlp_width, 9216);
  EXPECT_EQ(spec.layers, 26);
  EXPECT_EQ(spec.heads, 8);
  EXPECT_EQ(spec.kv_heads, 4);
  EXPECT_EQ(spec.head_dim, 256);
  EXPECT_DOUBLE_EQ(spec.attention[0].scale, 1.0 / 16);
  EXPECT_EQ(spec.attention[0].score_soft_cap, kNone);
  EXPECT_EQ(spec.logit_soft_cap, kNone);
  EXPECT_TRUE(spec.tied_head);
  for (std::int64_t layer = 0; layer < spec.layers; ++layer) {
    const bool full = layer % 6 == 5;
    EXPECT_EQ(spec.attention[layer].window, full ? std::optional<std::int64_t>() : 4096) << layer;
    EXPECT_EQ(spec.attention[layer].rope, full ? 0 : 1) << layer;
  }
  EXPECT_FLOAT_EQ(spec.ropes[0].inverse_frequency[1], std::pow(1e6, -2.0 / 256));
  EXPECT_FLOAT_EQ(spec.ropes[1].inverse_frequency[1], std::pow(1e4, -2.0 / 256));
}

TEST(ConfigFamiliesTest, Gemma3ScalesTheRopeOfFullLayersAlone) {
  const json plain = TestModel::Golden("gemma3_text").config;
  json scaled = plain;
  scaled["rope_scaling"] = {{"rope_type", "linear"}, {"factor", 4.0}};
  json unscaled = plain;
  unscaled.erase("rope_scaling");
  EXPECT_FLOAT_EQ(SpecOf(scaled).ropes[0].inverse_frequency[1], SpecOf(unscaled).ropes[0].inverse_frequency[1] / 4);
  EXPECT_EQ(SpecOf(scaled).ropes[1].inverse_frequency, SpecOf(unscaled).ropes[1].inverse_frequency);
}

TEST(ConfigFamiliesTest, BothGenerationsOfGemma3KeysMeanTheSame) {
  const json older = TestModel::Golden("gemma3_text").config;
  json newer = older;
  newer["rope_parameters"] = {
      {"full_attention", older["rope_scaling"]},
      {"sliding_attention", {{"rope_type", "default"}, {"rope_theta", older["rope_local_base_freq"]}}}};
  newer["rope_parameters"]["full_attention"]["rope_theta"] = older["rope_theta"];
  newer["layer_types"] = {"sliding_attention", "sliding_attention", "full_attention"};
  for (const char* key : {"rope_scaling", "rope_theta", "rope_local_base_freq", "sliding_window_pattern"}) {
    newer.erase(key);
  }
  const DecoderSpec a = SpecOf(older), b = SpecOf(newer);
  EXPECT_EQ(a.ropes[0].inverse_frequency, b.ropes[0].inverse_frequency);
  EXPECT_EQ(a.ropes[1].inverse_frequency, b.ropes[1].inverse_frequency);
  EXPECT_EQ(Windows(a), Windows(b));
}

TEST(ConfigFamiliesTest, GptNeoxDefaults) {
  json config = Sizes("gpt_neox");
  config["num_attention_heads"] = 4;
  const DecoderSpec spec = SpecOf(config);
  EXPECT_EQ(spec.residual, ResidualKind::kParallel);
  EXPECT_FALSE(spec.parallel_shared_norm);
  EXPECT_EQ(spec.norm_epsilon, 1e-5);
  EXPECT_EQ(spec.activation, ActivationKind::kGelu);
  EXPECT_EQ(spec.ropes[0].dimensions, 8) << "a quarter of 32";
  EXPECT_FLOAT_EQ(spec.ropes[0].inverse_frequency[1], std::pow(1e4, -2.0 / 8));
  EXPECT_FALSE(spec.tied_head);
  EXPECT_EQ(SpecOf(With(config, {{"use_parallel_residual", false}})).residual, ResidualKind::kPre);
}

TEST(ConfigFamiliesTest, BothGenerationsOfGptNeoxKeysMeanTheSame) {
  const json config = TestModel::Golden("gpt_neox").config;
  json older = config, newer = config;
  for (const char* key : {"rope_theta", "partial_rotary_factor"}) older.erase(key);
  for (const char* key : {"rope_theta", "partial_rotary_factor", "rotary_pct", "rotary_emb_base"}) newer.erase(key);
  newer["rope_parameters"] = {{"rope_type", "default"}, {"rope_theta", 10000}, {"partial_rotary_factor", 0.25}};
  EXPECT_EQ(SpecOf(older).ropes[0].inverse_frequency, SpecOf(config).ropes[0].inverse_frequency);
  EXPECT_EQ(SpecOf(newer).ropes[0].inverse_frequency, SpecOf(config).ropes[0].inverse_frequency);
}

TEST(ConfigFamiliesTest, OptDefaults) {
  const DecoderSpec spec = SpecOf(Sizes("opt"));
  EXPECT_EQ(spec.residual, ResidualKind::kPre);
  EXPECT_TRUE(spec.final_norm);
  EXPECT_EQ(spec.projected_width, kNone);
  EXPECT_EQ(spec.positions, 2048);
  EXPECT_EQ(spec.position_row_offset, 2);
  EXPECT_EQ(spec.activation, ActivationKind::kRelu);
  EXPECT_TRUE(spec.tied_head);
}

TEST(ConfigFamiliesTest, OptWithNormsBehindItsBranchesHasNoFinalOne) {
  EXPECT_EQ(SpecOf(With(Sizes("opt"), {{"do_layer_norm_before", false}})).residual, ResidualKind::kPost);
  EXPECT_FALSE(SpecOf(With(Sizes("opt"), {{"do_layer_norm_before", false}})).final_norm);
  EXPECT_FALSE(SpecOf(With(Sizes("opt"), {{"_remove_final_layer_norm", true}})).final_norm);
}

TEST(ConfigFamiliesTest, PhiDefaults) {
  json config = Sizes("phi");
  config["num_attention_heads"] = 4;
  const DecoderSpec spec = SpecOf(config);
  EXPECT_EQ(spec.kv_heads, 4);
  EXPECT_TRUE(spec.parallel_shared_norm);
  EXPECT_FALSE(spec.query_key_norm);
  EXPECT_EQ(spec.ropes[0].dimensions, 16) << "a half of 32";
  EXPECT_EQ(spec.activation, ActivationKind::kGeluTanh);
  EXPECT_EQ(spec.norm_epsilon, 1e-5);
  EXPECT_FALSE(spec.tied_head);
}

TEST(ConfigFamiliesTest, Phi3Defaults) {
  const DecoderSpec spec = SpecOf(Sizes("phi3"));
  EXPECT_EQ(spec.kv_heads, 32);
  EXPECT_EQ(spec.norm_epsilon, 1e-5);
  EXPECT_EQ(spec.activation, ActivationKind::kSilu);
  EXPECT_THAT(Windows(spec), ElementsAre(kNone, kNone));
  EXPECT_FALSE(spec.tied_head);
  EXPECT_FALSE(spec.ropes[0].beyond.has_value());
  EXPECT_THAT(Windows(SpecOf(With(Sizes("phi3"), {{"sliding_window", 7}}))), ElementsAre(7, 7));
}

TEST(ConfigFamiliesTest, Phi3LongropeCountsFrom4096WhereNothingElseIsSaid) {
  const json scaling = {{"type", "longrope"}, {"short_factor", {1.0, 1.5}}, {"long_factor", {2.0, 3.0}}};
  const DecoderSpec spec =
      SpecOf(With(Sizes("phi3"), {{"rope_scaling", scaling}, {"max_position_embeddings", 131072}}));
  ASSERT_TRUE(spec.ropes[0].beyond.has_value());
  EXPECT_EQ(spec.ropes[0].beyond->original_positions, 4096);
  EXPECT_DOUBLE_EQ(spec.ropes[0].attention_scaling, std::sqrt(1 + std::log(32.0) / std::log(4096.0)));
}

}  // namespace
}  // namespace headscope::worker
