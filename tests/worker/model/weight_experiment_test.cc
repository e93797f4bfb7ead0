// Scores against weight files: a head's slice of the output projection scaled by 1 +- 0.01 moves the objective by the
// head's score, with nothing of the engine's gates involved.
#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "tests/worker/support/engine_fixture.h"
#include "tests/worker/support/test_checkpoint.h"

namespace headscope::worker {
namespace {

constexpr double kStep = 0.01;

struct Projection {
  const char* golden;
  // Of layer 1.
  const char* name;
  // Stored [heads * head_dim, width] instead of [width, heads * head_dim].
  bool transposed;
};

class WeightExperimentTest : public ::testing::TestWithParam<Projection> {};

// The model with the slice of `head` multiplied by `factor`, in float64 so that rounding hides nothing.
TestModel WithScaledHead(const Projection& projection, std::int64_t head, std::int64_t head_dim, double factor) {
  TestModel model = TestModel::Golden(projection.golden);
  TestTensor& tensor = model.tensors.at(projection.name);
  std::vector<double> values = tensor.Values();
  const std::int64_t columns = tensor.shape[1];
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(values.size()); ++i) {
    const std::int64_t input = projection.transposed ? i / columns : i % columns;
    if (input / head_dim == head) values[i] *= factor;
  }
  tensor.dtype = "F64";
  tensor.SetValues(values);
  return model;
}

TEST_P(WeightExperimentTest, ScalingAHeadsSliceMovesTheObjectiveByItsScore) {
  const GoldenCase golden = LoadGolden(GetParam().golden);
  const TestEngine test = LoadTestEngine(golden.directory, DType::kFloat64);
  const PackedBatch batch = BatchOf(golden.samples);
  const std::vector<HeadMatrix> scores = ScoresOf(test, batch);
  for (std::int64_t head = 0; head < test.heads(); ++head) {
    const auto objectives = [&](double factor) {
      const TestModel model = WithScaledHead(GetParam(), head, test.model->spec().head_dim, factor);
      return *LoadTestEngine(model.Write(), DType::kFloat64).engine->Objectives(batch, {}, nullptr);
    };
    const std::vector<double> up = objectives(1 + kStep), down = objectives(1 - kStep);
    for (std::int64_t i = 0; i < batch.size(); ++i) {
      double largest = 0;
      for (const auto& row : scores[i]) {
        for (const double score : row) largest = std::max(largest, std::abs(score));
      }
      // The central difference is off by the third derivative times 0.01^2 / 6.
      EXPECT_NEAR((up[i] - down[i]) / (2 * kStep), scores[i][1][head], 2e-4 * largest) << head << " " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Families, WeightExperimentTest,
                         ::testing::Values(Projection{"gpt2", "transformer.h.1.attn.c_proj.weight", true},
                                           Projection{"llama", "model.layers.1.self_attn.o_proj.weight", false},
                                           Projection{"llama3", "model.layers.1.self_attn.o_proj.weight", false},
                                           Projection{"gemma2", "model.layers.1.self_attn.o_proj.weight", false}),
                         [](const auto& info) { return std::string(info.param.golden); });

}  // namespace
}  // namespace headscope::worker
