#include "worker/model/adapter/adapter_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "worker/model/adapter/adapter_names.h"

namespace headscope::worker {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

json Config(const json& change = json::object()) {
  json config = {{"peft_type", "LORA"}, {"base_model_name_or_path", "org/base"}, {"r", 16}, {"lora_alpha", 32}};
  for (const auto& [key, value] : change.items()) config[key] = value;
  return config;
}

absl::StatusOr<AdapterConfig> Parse(const json& change) { return ParseAdapterConfig(Config(change).dump()); }

TEST(AdapterConfigTest, ReadsWhatPeftWrites) {
  const auto config = Parse({{"target_modules", {"q_proj", "v_proj"}},
                             {"use_rslora", true},
                             {"fan_in_fan_out", true},
                             {"bias", "lora_only"},
                             {"modules_to_save", {"lm_head"}},
                             {"layers_to_transform", 3},
                             {"rank_pattern", {{"q_proj", 4}}},
                             {"alpha_pattern", {{"^model\\.layers\\.1\\..*", 8.5}}},
                             {"use_dora", false},
                             {"eva_config", nullptr},
                             {"loftq_config", json::object()},
                             {"init_lora_weights", "gaussian"}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->base, "org/base");
  EXPECT_EQ(config->rank, 16);
  EXPECT_EQ(config->alpha, 32);
  EXPECT_TRUE(config->rank_stabilised);
  EXPECT_THAT(config->targets.names, ElementsAre("q_proj", "v_proj"));
  EXPECT_EQ(config->bias, AdapterBias::kLoraOnly);
  EXPECT_THAT(config->replaced, ElementsAre("lm_head"));
  EXPECT_THAT(config->layers.value(), ElementsAre(3));
  EXPECT_THAT(config->rank_pattern, ElementsAre(ModulePattern("q_proj", 4)));
  EXPECT_THAT(config->notes, IsEmpty());
}

TEST(AdapterConfigTest, TakesTargetsAsAnExpressionToo) {
  EXPECT_EQ(Parse({{"target_modules", "all-linear"}})->targets.expression, "all-linear");
}

TEST(AdapterConfigTest, NamesAKeyThatItDoesNotUse) {
  EXPECT_THAT(Parse({{"house_style", "plain"}})->notes, ElementsAre(HasSubstr("house_style")));
}

struct Refusal {
  json change;
  const char* named;
};

TEST(AdapterConfigTest, RefusesByNameWhatChangesTheArithmetic) {
  const Refusal refusals[] = {{{{"peft_type", "IA3"}}, "IA3"},
                              {{{"use_dora", true}}, "use_dora"},
                              {{{"use_something_new", true}}, "use_something_new"},
                              {{{"lora_bias", true}}, "lora_bias"},
                              {{{"use_qalora", true}}, "use_qalora"},
                              {{{"layer_replication", {{0, 2}}}}, "layer_replication"},
                              {{{"target_parameters", {"experts"}}}, "target_parameters"},
                              {{{"trainable_token_indices", {1, 2}}}, "trainable_token_indices"},
                              {{{"alora_invocation_tokens", {5}}}, "alora_invocation_tokens"},
                              {{{"init_lora_weights", "pissa_niter_16"}}, "pissa_niter_16"},
                              {{{"init_lora_weights", "olora"}}, "olora"},
                              {{{"init_lora_weights", "loftq"}}, "loftq"},
                              {{{"bias", "some"}}, "some"},
                              {{{"rank_pattern", {{"(", 3}}}}, "rank_pattern"},
                              {{{"alpha_pattern", {{"(a{900}){900}", 3}}}}, "alpha_pattern"},
                              // Each entry is tried on every module.
                              {{{"target_modules", std::vector<std::string>(5000, "x")}}, "target_modules has 5000"},
                              {{{"layers_to_transform", std::vector<int>(5000)}}, "layers_to_transform has 5000"}};
  for (const Refusal& refusal : refusals) {
    const auto config = Parse(refusal.change);
    EXPECT_EQ(config.status().code(), absl::StatusCode::kFailedPrecondition) << refusal.named;
    EXPECT_THAT(std::string(config.status().message()), HasSubstr(refusal.named));
  }
}

TEST(AdapterConfigTest, RefusesWhatMakesNoSense) {
  const Refusal refusals[] = {{{{"r", 0}}, "r must"},
                              {{{"r", 1e9}}, "r must"},
                              {{{"lora_alpha", "many"}}, "lora_alpha"},
                              {{{"base_model_name_or_path", nullptr}}, "base_model_name_or_path"},
                              {{{"target_modules", {1}}}, "target_modules"},
                              {{{"target_modules", 7}}, "target_modules"},
                              {{{"modules_to_save", "lm_head"}}, "modules_to_save"},
                              {{{"layers_to_transform", "first"}}, "layers_to_transform"},
                              {{{"rank_pattern", {{"q_proj", 2.5}}}}, "rank_pattern"},
                              {{{"rank_pattern", {1}}}, "rank_pattern"},
                              {{{"alpha_pattern", {{"q_proj", 1e300}}}}, "alpha_pattern"},
                              {{{"use_rslora", "yes"}}, "use_rslora"}};
  for (const Refusal& refusal : refusals) {
    const auto config = Parse(refusal.change);
    EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument) << refusal.named << config.status();
    EXPECT_THAT(std::string(config.status().message()), HasSubstr(refusal.named));
  }
  EXPECT_FALSE(ParseAdapterConfig("[]").ok());
  EXPECT_FALSE(ParseAdapterConfig("{").ok());
}

TEST(AdapterPatternTest, MeansTheEndOfAPathBehindADot) {
  const std::string module = "model.layers.1.self_attn.q_proj";
  for (const char* name : {"q_proj", "self_attn.q_proj", "model.layers.1.self_attn.q_proj", "layers.1.*q_proj",
                           "^model\\.layers\\.[0-3]\\..*", "(q|k)_proj"}) {
    EXPECT_TRUE(MatchesModulePattern(name, module)) << name;
  }
  for (const char* name :
       {"proj", "attn.q_proj", "k_proj", "model", "layers.2.*q_proj", "x.model.layers.1.self_attn.q_proj"}) {
    EXPECT_FALSE(MatchesModulePattern(name, module)) << name;
  }
}

TEST(AdapterNameTest, TakesNamesApartInAllTheirSpellings) {
  for (const char* name : {"base_model.model.a.b.lora_A.weight", "base_model.model.a.b.lora_A.default.weight"}) {
    EXPECT_EQ(ParseAdapterName(name)->module, "a.b");
    EXPECT_EQ(ParseAdapterName(name)->part, AdapterPart::kDown);
  }
  EXPECT_EQ(ParseAdapterName("base_model.model.a.b.lora_B.weight")->part, AdapterPart::kUp);
  for (const char* name : {"base_model.model.a.weight", "base_model.model.a.base_layer.weight",
                           "base_model.model.a.modules_to_save.default.weight"}) {
    EXPECT_EQ(ParseAdapterName(name)->module, "a");
    EXPECT_EQ(ParseAdapterName(name)->part, AdapterPart::kWeight);
  }
  EXPECT_EQ(ParseAdapterName("base_model.model.a.base_layer.bias")->part, AdapterPart::kBias);
}

TEST(AdapterNameTest, RefusesOthersByWhatTheyAre) {
  const std::pair<const char*, const char*> cases[] = {
      {"base_model.model.model.embed_tokens.lora_embedding_A", "embedding"},
      {"base_model.model.a.lora_magnitude_vector.weight", "DoRA"},
      {"base_model.model.a.lora_B.bias", "bias of a low-rank term"},
      {"model.a.lora_A.weight", "is not one of a LoRA adapter"},
      {"base_model.model.lora_A.weight", "is not one of a LoRA adapter"},
      {"base_model.model.a.lora_A", "is not one of a LoRA adapter"}};
  for (const auto& [name, named] : cases) {
    EXPECT_THAT(std::string(ParseAdapterName(name).status().message()), HasSubstr(named)) << name;
  }
}

}  // namespace
}  // namespace headscope::worker
