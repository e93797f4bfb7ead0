// Configurations that no golden case has, against the plain loops of tests/worker/support/plain_decoder.cc.
#include <cmath>

#include <gtest/gtest.h>

#include "tests/worker/support/engine_fixture.h"
#include "tests/worker/support/plain_decoder.h"
#include "tests/worker/support/test_checkpoint.h"
#include "worker/tools/engine_check_compare.h"

namespace headscope::worker {
namespace {

using nlohmann::json;

struct Variant {
  const char* name;
  json config;
};

json Llama(json change) {
  json config = {{"model_type", "llama"},    {"vocab_size", 31},       {"hidden_size", 12},
                 {"intermediate_size", 10},  {"num_hidden_layers", 2}, {"num_attention_heads", 6},
                 {"num_key_value_heads", 2}, {"head_dim", 4},          {"max_position_embeddings", 64},
                 {"rms_norm_eps", 1e-5}};
  for (const auto& [key, value] : change.items()) config[key] = value;
  return config;
}

json Gpt2(json change) {
  json config = {{"model_type", "gpt2"}, {"vocab_size", 31}, {"n_embd", 12},
                 {"n_layer", 3},         {"n_head", 3},      {"n_positions", 32}};
  for (const auto& [key, value] : change.items()) config[key] = value;
  return config;
}

json Gemma2(json change) {
  json config = {{"model_type", "gemma2"},
                 {"vocab_size", 31},
                 {"hidden_size", 12},
                 {"intermediate_size", 10},
                 {"num_hidden_layers", 3},
                 {"num_attention_heads", 4},
                 {"num_key_value_heads", 1},
                 {"head_dim", 6},
                 {"query_pre_attn_scalar", 10},
                 {"sliding_window", 5},
                 {"max_position_embeddings", 64}};
  for (const auto& [key, value] : change.items()) config[key] = value;
  return config;
}

std::vector<Variant> Variants() {
  const json llama3 = {{"rope_type", "llama3"},
                       {"factor", 4.0},
                       {"low_freq_factor", 1.0},
                       {"high_freq_factor", 3.0},
                       {"original_max_position_embeddings", 16}};
  return {
      {"llama_head_dim_unlike_width", Llama(json::object())},
      {"llama_one_kv_head", Llama({{"num_key_value_heads", 1}})},
      {"llama_all_kv_heads", Llama({{"num_key_value_heads", 6}})},
      {"llama_kv_heads_absent",
       [] {
         json config = Llama(json::object());
         config.erase("num_key_value_heads");
         return config;
       }()},
      {"llama_attention_bias", Llama({{"attention_bias", true}})},
      {"llama_mlp_bias", Llama({{"mlp_bias", true}, {"tie_word_embeddings", true}})},
      {"llama_linear", Llama({{"rope_scaling", {{"type", "linear"}, {"factor", 3.0}}}})},
      {"llama_llama3", Llama({{"rope_scaling", llama3}, {"rope_theta", 500000.0}})},
      {"llama_rope_parameters", Llama({{"rope_parameters", {{"rope_type", "default"}, {"rope_theta", 100.0}}}})},
      {"llama_gelu", Llama({{"hidden_act", "gelu"}})},
      {"gpt2_plain", Gpt2(json::object())},
      {"gpt2_inverse_layer", Gpt2({{"scale_attn_by_inverse_layer_idx", true}})},
      {"gpt2_unscaled", Gpt2({{"scale_attn_weights", false}, {"n_inner", 7}, {"activation_function", "relu"}})},
      {"gpt2_upcast", Gpt2({{"reorder_and_upcast_attn", true}, {"scale_attn_by_inverse_layer_idx", true}})},
      {"gemma2_window", Gemma2(json::object())},
      {"gemma2_window_of_one", Gemma2({{"sliding_window", 1}})},
      {"gemma2_no_window",
       Gemma2({{"sliding_window", nullptr}, {"layer_types", {"full_attention", "full_attention", "full_attention"}}})},
      {"gemma2_layer_types", Gemma2({{"layer_types", {"full_attention", "sliding_attention", "sliding_attention"}}})},
      {"gemma2_no_caps", Gemma2({{"attn_logit_softcapping", nullptr}, {"final_logit_softcapping", nullptr}})},
      {"gemma2_tight_caps", Gemma2({{"attn_logit_softcapping", 0.5}, {"final_logit_softcapping", 2.0}})},
      {"gemma2_bias", Gemma2({{"attention_bias", true}, {"num_key_value_heads", 2}})},
  };
}

constexpr double kObjectiveTolerance = 1e-6;
constexpr std::int64_t kPrompt = 4;
const std::vector<std::int32_t>& Ids() {
  static const std::vector<std::int32_t> ids = MadeUpIds(14, 31, 5);
  return ids;
}

class PlainReferenceTest : public ::testing::TestWithParam<Variant> {
 protected:
  PlainReferenceTest() : model_(TestModel::Random(GetParam().config, 11)), directory_(model_.Write()) {}

  double Plain(const TestEngine& test, std::int64_t layer, std::int64_t head, double gate) const {
    PlainGates gates(test.layers(), std::vector<double>(test.heads(), 1.0));
    gates[layer][head] = gate;
    return PlainObjective(model_.config, model_.tensors, Ids(), kPrompt, gates);
  }
  static PackedBatch Batch() {
    PackedBatch batch;
    batch.Add(Ids(), kPrompt);
    return batch;
  }

  TestModel model_;
  std::string directory_;
};

TEST_P(PlainReferenceTest, ObjectiveAndAblationsAgree) {
  const TestEngine test = LoadTestEngine(directory_, DType::kFloat64);
  // Cosines are taken in float32, 6e-8 off at each rotation.
  EXPECT_NEAR((*test.engine->Objectives(Batch(), {}, nullptr))[0], Plain(test, 0, 0, 1.0), kObjectiveTolerance);
  for (std::int64_t layer = 0; layer < test.layers(); ++layer) {
    for (std::int64_t head = 0; head < test.heads(); ++head) {
      EXPECT_NEAR(GatedObjectives(test, Batch(), layer, head, 0.0f)[0], Plain(test, layer, head, 0.0),
                  kObjectiveTolerance);
    }
  }
}

TEST_P(PlainReferenceTest, ScoresAreTheSlopesOfGates) {
  const TestEngine test = LoadTestEngine(directory_, DType::kFloat64);
  const TestEngine single = LoadTestEngine(directory_, DType::kFloat32);
  HeadMatrix expected(test.layers(), std::vector<double>(test.heads()));
  constexpr double kStep = 1e-4;
  for (std::int64_t layer = 0; layer < test.layers(); ++layer) {
    for (std::int64_t head = 0; head < test.heads(); ++head) {
      expected[layer][head] = (Plain(test, layer, head, 1 + kStep) - Plain(test, layer, head, 1 - kStep)) / (2 * kStep);
    }
  }
  EXPECT_LE(RelativeError(ScoresOf(test, Batch())[0], expected), 5e-6);
  EXPECT_LE(RelativeError(ScoresOf(single, Batch())[0], expected), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Variants, PlainReferenceTest, ::testing::ValuesIn(Variants()),
                         [](const auto& info) { return std::string(info.param.name); });

// The judge itself is right where transformers' values reach.
TEST(PlainDecoderTest, MeetsTheGoldenObjectives) {
  for (const char* name : {"gpt2", "llama3", "gemma2"}) {
    const TestModel model = TestModel::Golden(name);
    const GoldenSample sample = LoadGolden(name).samples[0];
    EXPECT_NEAR(PlainObjective(model.config, model.tensors, sample.token_ids, sample.prompt_tokens,
                               PlainGates(3, std::vector<double>(4, 1.0))),
                sample.objective, 1e-6 * sample.objective)
        << name;
  }
}

}  // namespace
}  // namespace headscope::worker
