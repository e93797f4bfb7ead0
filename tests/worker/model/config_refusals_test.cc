#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/worker/support/test_checkpoint.h"
#include "worker/model/families/registry.h"

namespace headscope::worker {
namespace {

using nlohmann::json;

absl::Status StatusOf(const json& config) { return MakeArchitecture(config.dump()).status(); }

// `config` with `change` merged in: refused with `code`, the text naming `word`.
void ExpectRefused(json config, const json& change, absl::StatusCode code, const std::string& word) {
  for (const auto& [key, value] : change.items()) config[key] = value;
  const absl::Status status = StatusOf(config);
  EXPECT_EQ(status.code(), code) << change << " " << status;
  EXPECT_NE(status.message().find(word), absl::string_view::npos) << change << " " << status;
}

// `config` with `change` merged in, null meaning that the key is taken away: refused with exactly this text.
void ExpectExactly(json config, const json& change, const std::string& text) {
  for (const auto& [key, value] : change.items()) {
    config[key] = value;
    if (value.is_null()) config.erase(key);
  }
  EXPECT_EQ(std::string(StatusOf(config).message()), "config.json: " + text) << change;
}

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;
constexpr absl::StatusCode kUnsupported = absl::StatusCode::kFailedPrecondition;

TEST(ConfigRefusalTest, UnsupportedFeaturesAreNamed) {
  const json llama = TestModel::Golden("llama").config;
  ExpectRefused(llama, {{"quantization_config", {{"quant_method", "gptq"}}}}, kUnsupported, "gptq");
  ExpectRefused(llama, {{"rope_scaling", {{"rope_type", "mrope"}, {"factor", 4.0}}}}, kUnsupported, "\"mrope\"");
  ExpectRefused(llama, {{"rope_scaling", {{"type", "su"}, {"factor", 4.0}}}}, kUnsupported, "\"su\"");
  ExpectRefused(llama, {{"rope_parameters", {{"full_attention", {{"rope_theta", 1e4}}}}}}, kUnsupported,
                "per layer type");
  ExpectRefused(llama, {{"hidden_act", "quick_gelu"}}, kUnsupported, "\"quick_gelu\"");
  ExpectRefused(llama, {{"partial_rotary_factor", 0.5}}, kUnsupported, "partial_rotary_factor");
  ExpectRefused(llama, {{"model_type", "starcoder2"}}, kUnsupported, "\"starcoder2\"");
  ExpectRefused(llama, {{"model_type", "mixtral"}, {"num_local_experts", 8}}, kUnsupported, "mixtures of experts");
  ExpectRefused(llama, {{"model_type", "deepseek_v3"}, {"n_routed_experts", 64}}, kUnsupported, "n_routed_experts");
  ExpectRefused(llama, {{"model_type", "bloom"}}, kUnsupported, "ALiBi");
  ExpectRefused(llama, {{"model_type", "falcon"}, {"alibi", true}}, kUnsupported, "ALiBi");
  const json gpt2 = TestModel::Golden("gpt2").config;
  ExpectRefused(gpt2, {{"activation_function", "tanhexp"}}, kUnsupported, "activation_function");
  ExpectRefused(gpt2, {{"add_cross_attention", true}}, kUnsupported, "add_cross_attention");
  const json gemma2 = TestModel::Golden("gemma2").config;
  ExpectRefused(gemma2, {{"layer_types", {"full_attention", "chunked_attention", "full_attention"}}}, kUnsupported,
                "chunked_attention");
}

TEST(ConfigRefusalTest, AttentionToLaterTokensIsRefusedInEveryFamily) {
  for (const std::string& family : FamilyNames()) {
    json config = TestModel::Golden(family).config;
    for (const json& value : {json(true), json("all"), json(1)}) {
      ExpectRefused(config, {{"use_bidirectional_attention", value}}, kUnsupported, "use_bidirectional_attention");
    }
    for (const json& value : {json(false), json(nullptr)}) {
      config["use_bidirectional_attention"] = value;
      EXPECT_TRUE(StatusOf(config).ok()) << StatusOf(config);
    }
  }
}

TEST(ConfigRefusalTest, UnknownFamiliesAreToldTheSupportedOnes) {
  const absl::Status status = StatusOf({{"model_type", "nova"}});
  for (const std::string& name : FamilyNames()) EXPECT_NE(status.message().find(name), absl::string_view::npos);
}

TEST(ConfigRefusalTest, NumbersThatMakeNoSenseAreNamedInEveryFamily) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> sizes = {
      {"llama",
       {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
        "num_key_value_heads", "head_dim", "max_position_embeddings"}},
      {"gpt2", {"vocab_size", "n_embd", "n_layer", "n_head", "n_positions", "n_inner"}},
      {"gemma2",
       {"hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim",
        "sliding_window"}},
      {"gemma", {"hidden_size", "num_attention_heads", "num_key_value_heads", "head_dim"}},
      {"gemma3_text",
       {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
        "num_key_value_heads", "head_dim", "sliding_window", "sliding_window_pattern"}},
      {"gpt_neox", {"hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"}},
      {"mistral", {"num_attention_heads", "num_key_value_heads", "head_dim", "sliding_window"}},
      {"opt", {"hidden_size", "ffn_dim", "num_attention_heads", "word_embed_proj_dim", "max_position_embeddings"}},
      {"phi", {"hidden_size", "num_attention_heads", "num_key_value_heads"}},
      {"phi3", {"hidden_size", "num_attention_heads", "num_key_value_heads", "sliding_window"}},
      {"qwen2_yarn_window", {"num_attention_heads", "num_key_value_heads", "sliding_window"}},
      {"qwen3", {"hidden_size", "num_attention_heads", "num_key_value_heads", "head_dim"}}};
  for (const auto& [family, keys] : sizes) {
    const json config = TestModel::Golden(family).config;
    for (const std::string& key : keys) {
      for (const json& value : {json(0), json(-4), json("64"), json(6.5), json(true), json::array({4}),
                                json(std::int64_t{1} << 40), json(1e300), json::object()}) {
        ExpectRefused(config, {{key, value}}, kInvalid, key);
      }
    }
  }
}

TEST(ConfigRefusalTest, FractionsThatMakeNoSenseAreNamed) {
  for (const json& value : {json(0), json(-1.0), json("1e-6"), json(true), json(1e300), json::array()}) {
    ExpectRefused(TestModel::Golden("llama").config, {{"rms_norm_eps", value}}, kInvalid, "rms_norm_eps");
    ExpectRefused(TestModel::Golden("llama").config, {{"rope_theta", value}}, kInvalid, "rope_theta");
    ExpectRefused(TestModel::Golden("gpt2").config, {{"layer_norm_epsilon", value}}, kInvalid, "layer_norm_epsilon");
    ExpectRefused(TestModel::Golden("gemma2").config, {{"attn_logit_softcapping", value}}, kInvalid,
                  "attn_logit_softcapping");
    ExpectRefused(TestModel::Golden("gemma2").config, {{"query_pre_attn_scalar", value}}, kInvalid,
                  "query_pre_attn_scalar");
  }
}

TEST(ConfigRefusalTest, MissingNumbersAreNamedAllAtOnce) {
  json config = TestModel::Golden("llama").config;
  config.erase("hidden_size");
  config.erase("num_attention_heads");
  const absl::Status status = StatusOf(config);
  EXPECT_EQ(status.code(), kInvalid);
  EXPECT_NE(status.message().find("hidden_size"), absl::string_view::npos);
  EXPECT_NE(status.message().find("num_attention_heads"), absl::string_view::npos);
}

TEST(ConfigRefusalTest, NumbersThatDoNotFitTogetherAreNamed) {
  const json llama = TestModel::Golden("llama").config;
  ExpectRefused(llama, {{"num_key_value_heads", 3}}, kInvalid, "num_key_value_heads");
  ExpectRefused(llama, {{"head_dim", 15}}, kInvalid, "rotary dimensions");
  ExpectRefused(llama, {{"head_dim", nullptr}, {"num_attention_heads", 6}}, kInvalid, "multiple");
  ExpectRefused(TestModel::Golden("gpt2").config, {{"n_head", 5}}, kInvalid, "multiple");
  ExpectRefused(TestModel::Golden("gemma2").config, {{"layer_types", {"full_attention"}}}, kInvalid, "layer_types");
  ExpectRefused(
      TestModel::Golden("gemma2").config,
      {{"sliding_window", nullptr}, {"layer_types", {"sliding_attention", "full_attention", "full_attention"}}},
      kInvalid, "sliding_window is null");
  ExpectRefused(TestModel::Golden("gemma2").config, {{"sliding_window", nullptr}}, kInvalid,
                "layer 0 is sliding_attention but sliding_window is null");
}

// A number that is not there is replaced by a stand-in; nothing is to be said of that one.
TEST(ConfigRefusalTest, OneFaultMakesOneMessage) {
  const json llama = TestModel::Golden("llama").config, gpt2 = TestModel::Golden("gpt2").config;
  const json gemma2 = TestModel::Golden("gemma2").config;
  const std::string no_size = " must be an integer from 1 to ";
  ExpectExactly(llama, {{"hidden_size", nullptr}, {"head_dim", nullptr}},
                "hidden_size" + no_size + "16777216, found nothing");
  ExpectExactly(llama, {{"num_attention_heads", "x"}}, "num_attention_heads" + no_size + "4096, found \"x\"");
  ExpectExactly(gpt2, {{"n_embd", -1}}, "n_embd" + no_size + "16777216, found -1");
  ExpectExactly(gemma2, {{"num_attention_heads", 0}}, "num_attention_heads" + no_size + "4096, found 0");
  ExpectExactly(
      gemma2,
      {{"num_hidden_layers", nullptr}, {"layer_types", {"sliding_attention", "full_attention", "sliding_attention"}}},
      "num_hidden_layers" + no_size + "4096, found nothing");
  ExpectExactly(llama, {{"model_type", 3}}, "model_type must be a string, found 3");
  ExpectExactly(llama, {{"rope_scaling", {{"rope_type", 3}, {"factor", 2.0}}}},
                "rope_scaling: rope_type must be a string, found 3");
}

TEST(ConfigRefusalTest, RopeScalingNeedsItsNumbers) {
  const json llama = TestModel::Golden("llama").config;
  ExpectRefused(llama, {{"rope_scaling", {{"rope_type", "linear"}}}}, kInvalid, "factor");
  ExpectRefused(llama, {{"rope_scaling", {{"rope_type", "linear"}, {"factor", -2}}}}, kInvalid, "factor");
  ExpectRefused(llama, {{"rope_scaling", "linear"}}, kInvalid, "rope_scaling");
  json scaling = TestModel::Golden("llama3").config["rope_scaling"];
  scaling.erase("original_max_position_embeddings");
  ExpectRefused(llama, {{"rope_scaling", scaling}}, kInvalid, "original_max_position_embeddings");
  scaling["original_max_position_embeddings"] = 32;
  scaling["high_freq_factor"] = scaling["low_freq_factor"];
  ExpectRefused(llama, {{"rope_scaling", scaling}}, kInvalid, "high_freq_factor");
  ExpectRefused(llama, {{"rope_scaling", scaling}, {"rope_parameters", {{"rope_type", "default"}}}}, kInvalid,
                "differ");
}

TEST(ConfigRefusalTest, RopeScalingSaysWhichKindItIs) {
  const json llama = TestModel::Golden("llama").config;
  ExpectRefused(llama, {{"rope_scaling", {{"factor", 8.0}}}}, kInvalid, "rope_scaling: has no rope_type, but factor");
  ExpectRefused(llama, {{"rope_scaling", {{"rope_type", nullptr}, {"factor", 8.0}}}}, kInvalid, "has no rope_type");
  ExpectRefused(llama, {{"rope_scaling", json::object()}}, kInvalid, "rope_scaling: has no rope_type");
  ExpectRefused(llama, {{"rope_parameters", {{"rope_theta", 1e4}, {"factor", 8.0}, {"low_freq_factor", 1.0}}}},
                kInvalid, "rope_parameters: has no rope_type, but factor, low_freq_factor");
  ExpectRefused(llama, {{"rope_scaling", {{"rope_type", "llama3"}, {"type", "linear"}, {"factor", 8.0}}}}, kInvalid,
                "rope_type \"llama3\" and type \"linear\" are both given and differ");
}

TEST(ConfigRefusalTest, RopesWhoseAnglesAreNoNumbersAreRefused) {
  const json llama = TestModel::Golden("llama").config;
  ExpectRefused(llama, {{"rope_theta", 1e-300}}, kInvalid, "angles");
  ExpectRefused(llama, {{"rope_scaling", {{"rope_type", "linear"}, {"factor", 1e-38}}}}, kInvalid, "angles");
  ExpectRefused(TestModel::Golden("gemma3_text").config, {{"rope_local_base_freq", 1e-300}}, kInvalid, "angles");
  ExpectRefused(llama, {{"partial_rotary_factor", 3e38}}, kInvalid, "rotary dimensions");
}

TEST(ConfigRefusalTest, ManyOrLongFaultsMakeAShortMessage) {
  json config = TestModel::Golden("llama").config;
  config["num_hidden_layers"] = 4000;
  config["layer_types"] = json(4000, "none");
  EXPECT_LT(StatusOf(config).message().size(), 10'000u);
  config["layer_types"] = nullptr;
  config["hidden_act"] = std::string(1'000'000, 'x');
  EXPECT_LT(StatusOf(config).message().size(), 10'000u);
}

TEST(ConfigRefusalTest, TextThatIsNoConfigIsRefused) {
  for (const char* text :
       {"", "[]", "3", "{", R"({"model_type": 3})", R"({})", R"({"model_type": "llama", "model_type": "gpt2"})",
        R"({"model_type": "llama", "hidden_size": NaN})", R"({"model_type": null})"}) {
    EXPECT_EQ(MakeArchitecture(text).status().code(), kInvalid) << text;
  }
}

}  // namespace
}  // namespace headscope::worker
