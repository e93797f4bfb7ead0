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

class TrainedModelTest : public ::testing::TestWithParam<const char*> {
 protected:
  // Largest errors of the scores of every sample, in ascending order; objectives are held to `bound`.
  std::vector<double> Errors(const TestEngine& test, double bound) {
    const std::vector<HeadMatrix> found = ScoresOf(test, batch_);
    const std::vector<double> losses = *test.engine->Objectives(batch_, {}, nullptr);
    std::vector<double> errors;
    for (std::int64_t i = 0; i < batch_.size(); ++i) {
      errors.push_back(RelativeError(found[i], wanted_[i]));
      EXPECT_NEAR(losses[i] / objectives_[i], 1.0, bound) << "sample " << i;
    }
    std::sort(errors.begin(), errors.end());
    const auto above = errors.end() - std::upper_bound(errors.begin(), errors.end(), 1e-5);
    std::printf("median %.1e, worst %.1e, above 1e-5: %ld of %ld\n", errors[errors.size() / 2], errors.back(),
                static_cast<long>(above), static_cast<long>(batch_.size()));
    return errors;
  }

  const std::string directory_ = std::string(HEADSCOPE_SOURCE_DIR) + "/deploy/demo/models/demo";
  const PackedBatch batch_ = ShippedSamples(GetParam());
  const TestEngine judge_ = LoadTestEngine(directory_, DType::kFloat64);
  const std::vector<HeadMatrix> wanted_ = ScoresOf(judge_, batch_);
  const std::vector<double> objectives_ = *judge_.engine->Objectives(batch_, {}, nullptr);
};

TEST_P(TrainedModelTest, TheFastEngineKeepsEveryDigitOfEverySample) {
  ASSERT_EQ(batch_.size(), 64);
  const TestEngine test = LoadTestEngine(directory_, DType::kFloat32, EngineKind::kFast);
  EXPECT_LE(Errors(test, 1e-6).back(), 1e-6);
}

// What is left of sums in float32, with which larger models are computed: sharp attention multiplies their rounding.
TEST_P(TrainedModelTest, SumsInFloat32LoseAFewDigitsOfSomeSamples) {
  for (const TestEngine& test : {LoadFloat32Engine(directory_), LoadTestEngine(directory_, DType::kFloat32)}) {
    SCOPED_TRACE(test.engine->name());
    const std::vector<double> errors = Errors(test, 1e-4);
    EXPECT_LE(errors[32], 1e-5) << "the median";
    EXPECT_LE(errors.back(), 1e-4);
  }
}

INSTANTIATE_TEST_SUITE_P(Tasks, TrainedModelTest, ::testing::Values("copy", "reverse", "sort", "add"));

}  // namespace
}  // namespace headscope::worker
