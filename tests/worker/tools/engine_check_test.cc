#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "tests/worker/support/engine_fixture.h"
#include "tests/worker/support/test_checkpoint.h"
#include "worker/tools/engine_check_compare.h"
#include "worker/tools/engine_check_options.h"
#include "worker/tools/engine_check_products.h"
#include "worker/tools/engine_check_speed.h"

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
  const std::vector<std::vector<std::string>> wrong = {{"--golden", "a", "--threads", "many"},
                                                       {"--speed"},
                                                       {"--fast", "a"},
                                                       {},
                                                       {"--golden", "a", "--dtype", "int8"},
                                                       {"--speed", "m", "--batch", "two"},
                                                       {"--products", "m", "--format", "xml"},
                                                       {"--speed", "m", "--repeats", "0"}};
  for (const auto& arguments : wrong) {
    EXPECT_EQ(ParseEngineCheckOptions(arguments).status().code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_NE(ParseEngineCheckOptions(wrong[0]).status().message().find("--threads"), absl::string_view::npos);
}

std::vector<std::int64_t> TokensOf(const std::vector<PackedBatch>& batches) {
  std::vector<std::int64_t> tokens;
  for (const PackedBatch& batch : batches) tokens.push_back(batch.tokens());
  return tokens;
}

TEST(EngineCheckSpeedTest, RowsOfAFileAreBatchedByLengthWithinTheBudget) {
  EngineCheckOptions options;
  options.data = LoadGolden("llama").directory + "/samples.jsonl";
  options.batch_tokens = 45;
  const TestEngine test = LoadTestEngine(LoadGolden("llama").directory, DType::kFloat32);
  // Lengths 5, 33, 17, 9, 26.
  EXPECT_EQ(TokensOf(BatchesToTime(test.model->spec(), options).value()), (std::vector<std::int64_t>{33, 43, 14}));
  options.samples = 2;
  EXPECT_EQ(TokensOf(BatchesToTime(test.model->spec(), options).value()), (std::vector<std::int64_t>{38}));
  options.data = "/no/such/file";
  EXPECT_EQ(BatchesToTime(test.model->spec(), options).status().code(), absl::StatusCode::kNotFound);
}

TEST(EngineCheckSpeedTest, CountsWhatWasTimed) {
  EngineCheckOptions options;
  options.speed = LoadGolden("llama").directory;
  options.samples = 3;
  options.tokens = 10;
  options.batch_tokens = 20;
  options.repeats = 2;
  const absl::StatusOr<EngineTiming> timing = TimeEngine(EngineKind::kFast, DType::kFloat32, options);
  ASSERT_TRUE(timing.ok()) << timing.status();
  EXPECT_EQ(timing->samples, 3);
  EXPECT_EQ(timing->tokens, 30);
  EXPECT_EQ(timing->batches, 2);
  EXPECT_GT(timing->seconds, 0);
  EXPECT_GT(timing->model_bytes, 0);
  EXPECT_GT(timing->peak_rss_bytes, timing->model_bytes);
}

TEST(EngineCheckProductsTest, AreThoseOfAGradient) {
  DecoderSpec spec;
  spec.layers = 3;
  spec.heads = 4;
  spec.kv_heads = 2;
  spec.head_dim = 5;
  spec.width = 7;
  spec.mlp_width = 11;
  spec.vocabulary = 13;
  double flops = 0;
  for (const CountedProduct& product : ProductsOf(spec, 17)) {
    flops += static_cast<double>(product.count) * product.shape.flops();
  }
  // Query and output, key and value, gate, up and down; the head. Each forward and backward, 2 FLOPs a weight and row.
  const double layer = 2 * 7 * 20 + 2 * 7 * 10 + 3 * 7 * 11;
  EXPECT_EQ(flops, 2 * 2 * 17 * (3 * layer + 7 * 13));
}

TEST(EngineCheckProductsTest, HaveRates) {
  const TestEngine test = LoadTestEngine(LoadGolden("llama").directory, DType::kFloat32);
  const auto rates = MeasureProductRates(test.model->spec(), 64, false, "cpu", 2);
  ASSERT_TRUE(rates.ok()) << rates.status();
  EXPECT_GT(rates->torch, 0);
  EXPECT_GE(rates->best, std::max(rates->torch, rates->onednn)) << "the better one for each product";
  EXPECT_FALSE(MeasureProductRates(test.model->spec(), 64, false, "abacus", 2).ok());
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
