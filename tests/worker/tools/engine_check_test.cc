#include <cmath>

#include <gtest/gtest.h>

#include "tests/worker/support/engine_fixture.h"
#include "tests/worker/support/test_checkpoint.h"
#include "worker/tools/engine_check_compare.h"
#include "worker/tools/engine_check_options.h"

namespace headscope::worker {
namespace {

TEST(EngineCheckOptionsTest, ArgumentsThatAreNoOptionsAreGoldenCases) {
  const auto options = ParseEngineCheckOptions({"--golden", "a", "b", "--dtype=float32", "--batch", "one", "c"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->golden, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(options->dtypes, std::vector<DType>{DType::kFloat32});
  EXPECT_FALSE(options->one_batch);
}

TEST(EngineCheckOptionsTest, WrongArgumentsAreNamed) {
  const std::vector<std::vector<std::string>> wrong = {
      {"--golden", "a", "--threads", "many"}, {"--speed"}, {"--fast", "a"}, {}, {"--golden", "a", "--dtype", "int8"},
      {"--speed", "m", "--batch", "two"}};
  for (const auto& arguments : wrong) {
    EXPECT_EQ(ParseEngineCheckOptions(arguments).status().code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_NE(ParseEngineCheckOptions(wrong[0]).status().message().find("--threads"), absl::string_view::npos);
}

TEST(EngineCheckTest, RelativeErrorIsToTheLargestExpectedAndNeverHidesNan) {
  EXPECT_DOUBLE_EQ(RelativeError({{1.0, 2.5}}, {{1.0, 2.0}}), 0.25);
  EXPECT_TRUE(std::isinf(RelativeError({{NAN, 2.0}}, {{1.0, 2.0}})));
}

TEST(EngineCheckTest, ACaseWithOneWrongNumberFails) {
  GoldenCase golden = LoadGolden("llama");
  const TestEngine test = LoadTestEngine(golden.directory, DType::kFloat32);
  const auto right = CompareWithGolden(golden, test.layers(), test.heads(), false, *test.engine);
  ASSERT_TRUE(right.ok());
  EXPECT_TRUE(WithinTolerance(*right));
  golden.samples[2].signed_scores[1][1] *= 1.001;
  const auto wrong = CompareWithGolden(golden, test.layers(), test.heads(), false, *test.engine);
  ASSERT_TRUE(wrong.ok());
  EXPECT_FALSE(WithinTolerance(*wrong));
}

TEST(EngineCheckTest, ExpectedValuesOfAnotherShapeAreRefused) {
  GoldenCase golden = LoadGolden("llama");
  const TestEngine test = LoadTestEngine(golden.directory, DType::kFloat32);
  golden.samples[0].signed_scores.pop_back();
  EXPECT_EQ(CompareWithGolden(golden, test.layers(), test.heads(), true, *test.engine).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace headscope::worker
