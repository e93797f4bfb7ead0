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

TEST(ConfigValuesTest, LlamaDefaults) {
  const DecoderSpec spec = SpecOf({{"model_type", "llama"},
                                   {"vocab_size", 97},
                                   {"hidden_size", 64},
                                   {"intermediate_size", 112},
                                   {"num_hidden_layers", 2},
                                   {"num_attention_heads", 4}});
  EXPECT_EQ(spec.kv_heads, 4);
  EXPECT_EQ(spec.head_dim, 16);
  EXPECT_EQ(spec.norm_epsilon, 1e-6);
  EXPECT_EQ(spec.positions, 2048);
  EXPECT_FALSE(spec.tied_head);
  EXPECT_EQ(spec.activation, ActivationKind::kSilu);
  EXPECT_EQ(spec.ropes[0].dimensions, 16);
  EXPECT_FLOAT_EQ(spec.ropes[0].inverse_frequency[1], std::pow(10000.0, -2.0 / 16));
}

TEST(ConfigValuesTest, NullHeadCountsMeanTheirDefaults) {
  json config = TestModel::Golden("llama").config;
  config["num_key_value_heads"] = nullptr;
  config["head_dim"] = nullptr;
  EXPECT_EQ(SpecOf(config).kv_heads, 4);
  EXPECT_EQ(SpecOf(config).head_dim, 16);
}

TEST(ConfigValuesTest, Gpt2Defaults) {
  const DecoderSpec spec =
      SpecOf({{"model_type", "gpt2"}, {"vocab_size", 97}, {"n_embd", 64}, {"n_layer", 2}, {"n_head", 4}});
  EXPECT_EQ(spec.positions, 1024);
  EXPECT_EQ(spec.mlp_width, 256);
  EXPECT_EQ(spec.norm_epsilon, 1e-5);
  EXPECT_TRUE(spec.tied_head);
  EXPECT_EQ(spec.activation, ActivationKind::kGeluTanh);
  EXPECT_DOUBLE_EQ(spec.attention[1].scale, 0.25);
}

TEST(ConfigValuesTest, Gpt2ScalesByHeadAndLayerAsAsked) {
  json config = TestModel::Golden("gpt2").config;
  config["scale_attn_by_inverse_layer_idx"] = true;
  EXPECT_DOUBLE_EQ(SpecOf(config).attention[2].scale, 0.25 / 3);
  config["scale_attn_weights"] = false;
  EXPECT_DOUBLE_EQ(SpecOf(config).attention[1].scale, 1.0 / 2);
}

TEST(ConfigValuesTest, Gemma2DefaultsWhereKeysAreAbsent) {
  const DecoderSpec spec = SpecOf({{"model_type", "gemma2"},
                                   {"vocab_size", 97},
                                   {"hidden_size", 64},
                                   {"intermediate_size", 112},
                                   {"num_hidden_layers", 3}});
  EXPECT_EQ(spec.heads, 8);
  EXPECT_EQ(spec.kv_heads, 4);
  EXPECT_EQ(spec.head_dim, 256);
  EXPECT_DOUBLE_EQ(spec.attention[0].scale, 1.0 / 16);
  EXPECT_EQ(spec.attention[0].window, 4096);
  EXPECT_EQ(spec.attention[1].window, std::nullopt);
  EXPECT_EQ(spec.attention[2].window, 4096);
  EXPECT_EQ(spec.attention[1].score_soft_cap, 50.0);
  EXPECT_EQ(spec.logit_soft_cap, 30.0);
  EXPECT_TRUE(spec.tied_head);
  EXPECT_DOUBLE_EQ(spec.embedding_scale, 8.0);
}

TEST(ConfigValuesTest, Gemma2NullsTurnCapsAndWindowsOff) {
  json config = TestModel::Golden("gemma2").config;
  for (const char* key : {"attn_logit_softcapping", "final_logit_softcapping", "sliding_window"}) config[key] = nullptr;
  config["layer_types"] = json(config["num_hidden_layers"].get<std::size_t>(), json("full_attention"));
  const DecoderSpec spec = SpecOf(config);
  EXPECT_EQ(spec.attention[0].score_soft_cap, std::nullopt);
  EXPECT_EQ(spec.logit_soft_cap, std::nullopt);
  EXPECT_EQ(spec.attention[0].window, std::nullopt);
}

TEST(ConfigValuesTest, Gemma2LayerTypesPlaceTheWindows) {
  json config = TestModel::Golden("gemma2").config;
  config["layer_types"] = {"full_attention", "sliding_attention", "sliding_attention"};
  const DecoderSpec spec = SpecOf(config);
  EXPECT_EQ(spec.attention[0].window, std::nullopt);
  EXPECT_EQ(spec.attention[1].window, 12);
  EXPECT_EQ(spec.attention[2].window, 12);
}

TEST(ConfigValuesTest, BothGenerationsOfRopeKeysMeanTheSame) {
  json old_keys = TestModel::Golden("llama3").config;
  json new_keys = old_keys;
  new_keys["rope_parameters"] = old_keys["rope_scaling"];
  new_keys["rope_parameters"]["rope_theta"] = old_keys["rope_theta"];
  new_keys.erase("rope_scaling");
  new_keys.erase("rope_theta");
  new_keys["dtype"] = "float32";
  new_keys.erase("torch_dtype");
  EXPECT_EQ(SpecOf(old_keys).ropes[0].inverse_frequency, SpecOf(new_keys).ropes[0].inverse_frequency);
  json oldest_keys = old_keys;
  oldest_keys["rope_scaling"]["type"] = oldest_keys["rope_scaling"]["rope_type"];
  oldest_keys["rope_scaling"].erase("rope_type");
  EXPECT_EQ(SpecOf(oldest_keys).ropes[0].inverse_frequency, SpecOf(new_keys).ropes[0].inverse_frequency);
}

TEST(ConfigValuesTest, RopeParametersWithTheBaseAloneScaleNothing) {
  const json config = TestModel::Golden("llama").config;
  json with_base = config;
  with_base["rope_parameters"] = {{"rope_theta", config.value("rope_theta", 1e4)}};
  json with_both = config;
  with_both["rope_scaling"] = {{"rope_type", "default"}, {"type", "default"}};
  json with_nothing = config;
  with_nothing["rope_parameters"] = json::object();
  for (const json& other : {with_base, with_both, with_nothing}) {
    EXPECT_EQ(SpecOf(config).ropes[0].inverse_frequency, SpecOf(other).ropes[0].inverse_frequency) << other;
  }
}

TEST(ConfigValuesTest, EveryNameOfTheTanhApproximationIsKnown) {
  json config = TestModel::Golden("gpt2").config;
  for (const char* name : {"gelu_new", "gelu_fast", "gelu_accurate", "gelu_pytorch_tanh"}) {
    config["activation_function"] = name;
    EXPECT_EQ(SpecOf(config).activation, ActivationKind::kGeluTanh) << name;
  }
}

TEST(ConfigValuesTest, EveryFamilyNamesEveryTensorOfItsGoldenCase) {
  for (const std::string& family : FamilyNames()) {
    // Its case has the prefix of a larger model: see TensorAccountingTest.
    if (family == "gemma3") continue;
    const TestModel golden = TestModel::Golden(family);
    const auto architecture = MakeArchitecture(golden.config.dump());
    ASSERT_TRUE(architecture.ok()) << architecture.status();
    std::size_t read = 0;
    for (const FileTensor& tensor : architecture->tensors) {
      if (tensor.presence == Presence::kUnread) continue;
      ++read;
      ASSERT_TRUE(golden.tensors.contains(tensor.name)) << tensor.name;
      EXPECT_EQ(FileShape(architecture->spec, tensor), golden.tensors.at(tensor.name).shape) << tensor.name;
    }
    EXPECT_EQ(read, golden.tensors.size()) << family;
  }
}

TEST(ArchitectureTest, NumberSignsMatchNumbersOnly) {
  EXPECT_TRUE(MatchesPattern("h.#.attn.bias", "h.12.attn.bias"));
  EXPECT_FALSE(MatchesPattern("h.#.attn.bias", "h..attn.bias"));
  EXPECT_FALSE(MatchesPattern("h.#.attn.bias", "h.x.attn.bias"));
  EXPECT_FALSE(MatchesPattern("h.#.attn.bias", "h.1.attn.bias.more"));
  EXPECT_FALSE(MatchesPattern("h.#.attn.bias", "h.1.attn"));
}

TEST(ArchitectureTest, AFamilyThatForgetsATensorIsCaught) {
  Architecture architecture = *MakeArchitecture(TestModel::Golden("llama").config.dump());
  EXPECT_TRUE(CheckArchitecture(architecture).ok());
  Architecture forgetful = architecture;
  forgetful.tensors.erase(forgetful.tensors.begin() + 4);
  EXPECT_EQ(CheckArchitecture(forgetful).code(), absl::StatusCode::kInternal);
  Architecture doubled = architecture;
  doubled.tensors.push_back(doubled.tensors[4]);
  EXPECT_EQ(CheckArchitecture(doubled).code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace headscope::worker
