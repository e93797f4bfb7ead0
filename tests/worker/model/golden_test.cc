#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/worker/support/engine_fixture.h"
#include "worker/model/decoder.h"
#include "worker/tensor/torch_compat.h"
#include "worker/tools/engine_check_compare.h"

namespace headscope::worker {
namespace {

struct EngineUnderTest {
  const char* name;
  TestEngine (*load)(const std::string& directory);
};
const EngineUnderTest kEngines[] = {
    {"reference_float64", [](const std::string& directory) { return LoadTestEngine(directory, DType::kFloat64); }},
    {"reference_float32", [](const std::string& directory) { return LoadTestEngine(directory, DType::kFloat32); }},
    {"fast_float32",
     [](const std::string& directory) { return LoadTestEngine(directory, DType::kFloat32, EngineKind::kFast); }},
    {"fast_as_if_large", LoadFloat32Engine},
};

struct GoldenParameter {
  const char* name;
  EngineUnderTest engine;
  bool one_batch;
};

class GoldenTest : public ::testing::TestWithParam<GoldenParameter> {};

// The tolerances are the contract's (system.md section 4).
TEST_P(GoldenTest, ScoresPatternObjectiveAndAblationAgree) {
  const GoldenCase golden = LoadGolden(GetParam().name);
  const TestEngine test = GetParam().engine.load(golden.directory);
  const auto errors = CompareWithGolden(golden, test.layers(), test.heads(), GetParam().one_batch, *test.engine);
  ASSERT_TRUE(errors.ok()) << errors.status();
  EXPECT_LE(errors->signed_scores, kScoreTolerance);
  EXPECT_LE(errors->pattern, kScoreTolerance);
  EXPECT_LE(errors->objective, kScoreTolerance);
  ASSERT_TRUE(errors->zero_ablation.has_value());
  EXPECT_LE(*errors->zero_ablation, kAblationTolerance);
}

// Twelve that transformers gave the values of, then those of tests/golden_tools.
constexpr const char* kCases[] = {"gemma",
                                  "gemma2",
                                  "gpt2",
                                  "gpt_neox",
                                  "llama",
                                  "llama3",
                                  "mistral",
                                  "opt",
                                  "phi",
                                  "phi3",
                                  "qwen2",
                                  "qwen3",
                                  "gemma3",
                                  "gemma3_text",
                                  "gpt2_inverse_layer",
                                  "gpt_neox_sequential",
                                  "gpt_neox_unbiased",
                                  "llama3_long",
                                  "llama_dynamic",
                                  "llama_linear_float16",
                                  "llama_yarn",
                                  "mistral_bfloat16",
                                  "opt_no_bias",
                                  "opt_post_norm",
                                  "phi3_longrope",
                                  "phi_normed",
                                  "qwen2_yarn_window",
                                  "qwen3_biased",
                                  "gpt2_lora",
                                  "llama_lora"};

std::vector<GoldenParameter> Parameters() {
  std::vector<GoldenParameter> parameters;
  for (const char* name : kCases) {
    for (const bool one_batch : {true, false}) {
      for (const EngineUnderTest& engine : kEngines) parameters.push_back({name, engine, one_batch});
    }
  }
  return parameters;
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenTest, ::testing::ValuesIn(Parameters()), [](const auto& info) {
  return std::string(info.param.name) + "_" + info.param.engine.name + (info.param.one_batch ? "_one_batch" : "_alone");
});

class GoldenLogitsTest : public ::testing::TestWithParam<const char*> {};

TEST_P(GoldenLogitsTest, TheLastPositionsLogitsAgree) {
  const GoldenCase golden = LoadGolden(GetParam());
  const TestEngine test = LoadTestEngine(golden.directory, DType::kFloat32);
  const GradMode no_graph(false);
  for (const GoldenSample& sample : golden.samples) {
    ForwardInput input;
    input.token_ids =
        at::tensor(std::vector<std::int64_t>(sample.token_ids.begin(), sample.token_ids.end()), at::kLong).unsqueeze(0);
    const auto hidden = ForwardHidden(test.model->spec(), test.model->weights(), input);
    ASSERT_TRUE(hidden.ok()) << hidden.status();
    const at::Tensor logits = HeadLogits(test.model->spec(), test.model->weights(), hidden->select(1, -1))[0];
    double largest = 0;
    for (const double logit : sample.last_logits) largest = std::max(largest, std::abs(logit));
    ASSERT_GT(largest, 0);
    for (std::size_t i = 0; i < sample.last_logits.size(); ++i) {
      EXPECT_NEAR(logits[static_cast<std::int64_t>(i)].item<double>(), sample.last_logits[i], 1e-5 * largest)
          << sample.id << " logit " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenLogitsTest, ::testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace headscope::worker
