// The demo model, which is nearly sure of its answers: what random weights never show.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/worker/support/engine_fixture.h"
#include "worker/tools/engine_check_compare.h"

namespace headscope::worker {
namespace {

// Samples of the shipped task as bytes, which are the model's tokens.
PackedBatch ShippedSamples(const std::string& task) {
  PackedBatch batch;
  std::ifstream rows(std::string(HEADSCOPE_SOURCE_DIR) + "/deploy/demo/samples/" + task + ".jsonl");
  std::string line;
  while (std::getline(rows, line)) {
    const nlohmann::json row = nlohmann::json::parse(line);
    const std::string prompt = row["prompt"], response = row["response"];
    std::vector<std::int32_t> ids;
    for (const char byte : prompt + response) ids.push_back(static_cast<unsigned char>(byte));
    batch.Add(ids, static_cast<std::int64_t>(prompt.size()));
  }
  return batch;
}

class TrainedModelTest : public ::testing::TestWithParam<const char*> {};

// What is left is the rounding of float32 logits: an error of 1e-5 in their differences is one of 1e-5 in scores that
// are proportional to the small probability of being wrong.
TEST_P(TrainedModelTest, SureSamplesKeepTheirDigits) {
  const PackedBatch batch = ShippedSamples(GetParam());
  ASSERT_EQ(batch.size(), 64);
  const std::string directory = std::string(HEADSCOPE_SOURCE_DIR) + "/deploy/demo/models/demo";
  const TestEngine judge = LoadTestEngine(directory, DType::kFloat64);
  const std::vector<HeadMatrix> wanted = ScoresOf(judge, batch);
  const std::vector<double> objectives = *judge.engine->Objectives(batch, {}, nullptr);
  for (const EngineKind kind : {EngineKind::kFast, EngineKind::kReference}) {
    const TestEngine test = LoadTestEngine(directory, DType::kFloat32, kind);
    const std::vector<HeadMatrix> found = ScoresOf(test, batch);
    const std::vector<double> losses = *test.engine->Objectives(batch, {}, nullptr);
    std::vector<double> errors;
    for (std::int64_t i = 0; i < batch.size(); ++i) {
      errors.push_back(RelativeError(found[i], wanted[i]));
      EXPECT_LE(errors.back(), 1e-4) << "sample " << i;
      EXPECT_NEAR(losses[i] / objectives[i], 1.0, 1e-4) << "sample " << i;
    }
    std::sort(errors.begin(), errors.end());
    EXPECT_LE(errors[32], 1e-5) << "the median";
    RecordProperty(std::string(test.engine->name()) + "_worst", std::to_string(errors.back()));
    std::printf("%s %s: median %.1e, worst %.1e, above 1e-5: %ld of 64\n", GetParam(),
                std::string(test.engine->name()).c_str(), errors[32], errors.back(),
                static_cast<long>(errors.end() - std::upper_bound(errors.begin(), errors.end(), 1e-5)));
  }
}

INSTANTIATE_TEST_SUITE_P(Tasks, TrainedModelTest, ::testing::Values("copy", "reverse", "sort", "add"));

}  // namespace
}  // namespace headscope::worker
