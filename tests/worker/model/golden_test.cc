#include <gtest/gtest.h>

#include "tests/worker/support/engine_fixture.h"
#include "worker/tools/engine_check_compare.h"

namespace headscope::worker {
namespace {

struct GoldenParameter {
  const char* name;
  EngineKind engine;
  DType dtype;
  bool one_batch;
};

class GoldenTest : public ::testing::TestWithParam<GoldenParameter> {};

// The tolerances are the contract's (system.md section 4).
TEST_P(GoldenTest, ScoresPatternObjectiveAndAblationAgree) {
  const GoldenCase golden = LoadGolden(GetParam().name);
  const TestEngine test = LoadTestEngine(golden.directory, GetParam().dtype, GetParam().engine);
  const auto errors = CompareWithGolden(golden, test.layers(), test.heads(), GetParam().one_batch, *test.engine);
  ASSERT_TRUE(errors.ok()) << errors.status();
  EXPECT_LE(errors->signed_scores, kScoreTolerance);
  EXPECT_LE(errors->pattern, kScoreTolerance);
  EXPECT_LE(errors->objective, kScoreTolerance);
  ASSERT_TRUE(errors->zero_ablation.has_value());
  EXPECT_LE(*errors->zero_ablation, kAblationTolerance);
}

std::vector<GoldenParameter> Parameters() {
  std::vector<GoldenParameter> parameters;
  for (const char* name : {"gpt2", "llama", "llama3", "gemma2"}) {
    for (const bool one_batch : {true, false}) {
      parameters.push_back({name, EngineKind::kReference, DType::kFloat64, one_batch});
      parameters.push_back({name, EngineKind::kReference, DType::kFloat32, one_batch});
      parameters.push_back({name, EngineKind::kFast, DType::kFloat32, one_batch});
    }
  }
  return parameters;
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenTest, ::testing::ValuesIn(Parameters()), [](const auto& info) {
  const char* engine = info.param.engine == EngineKind::kFast ? "_fast_" : "_reference_";
  return std::string(info.param.name) + engine + DTypeName(info.param.dtype) +
         (info.param.one_batch ? "_one_batch" : "_alone");
});

}  // namespace
}  // namespace headscope::worker
