// Adapters beside a shared base give what the merged weights give.
#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/support/engine_fixture.h"
#include "tests/worker/support/test_adapter.h"
#include "worker/model/decoder_weights.h"
#include "worker/model/fast/fast_engine.h"

namespace headscope::worker {
namespace {

PackedBatch MadeUpBatch(std::int64_t vocabulary) {
  PackedBatch batch;
  batch.Add(MadeUpIds(17, vocabulary, 1), 5);
  batch.Add(MadeUpIds(9, vocabulary, 2), 1);
  batch.Add(MadeUpIds(23, vocabulary, 3), 20);
  return batch;
}

// Largest differences of the scores, relative to the largest, and of the objectives, relative.
struct Errors {
  double scores = 0;
  double objective = 0;
};

Errors Compare(const GateGradients& found, const GateGradients& wanted) {
  Errors errors;
  double largest = 0;
  for (const float d : wanted.d) largest = std::max(largest, std::abs(static_cast<double>(d)));
  for (std::size_t i = 0; i < wanted.d.size(); ++i) {
    errors.scores = std::max(errors.scores, std::abs(static_cast<double>(found.d[i]) - wanted.d[i]) / largest);
  }
  for (std::size_t i = 0; i < wanted.objective.size(); ++i) {
    errors.objective =
        std::max(errors.objective, std::abs(found.objective[i] - wanted.objective[i]) / wanted.objective[i]);
  }
  return errors;
}

class AdapterEngineTest : public ::testing::TestWithParam<const char*> {
 protected:
  AdapterEngineTest()
      : base_(TestModel::Golden(GetParam())),
        adapter_(TestAdapter::Random(base_, LinearModules(base_), 4, 7)),
        directory_(base_.Write()) {
    adapter_.WriteTo(home_.File("adapter"));
  }

  std::shared_ptr<const Model> LoadBase(DType dtype) {
    return Model::Load(directory_, {.dtype = dtype, .device = "cpu", .root = ""}).value();
  }
  std::shared_ptr<const Model> LoadAdapted(DType dtype) {
    return Model::LoadAdapter(home_.File("adapter"), LoadBase(dtype)).value();
  }
  // Of the merged weights, by autograd in float64.
  GateGradients Wanted() {
    const TestEngine merged = LoadTestEngine(MergedModel(base_, adapter_, 3.0 / 4).Write(), DType::kFloat64);
    return merged.engine->Gradients(Batch(merged.model->spec()), nullptr).value();
  }
  static PackedBatch Batch(const DecoderSpec& spec) { return MadeUpBatch(spec.vocabulary); }

  TestModel base_;
  TestAdapter adapter_;
  std::string directory_;
  TempDirectory home_;
};

TEST_P(AdapterEngineTest, TheReferenceEngineGivesTheMergedWeightsScores) {
  const auto model = LoadAdapted(DType::kFloat64);
  const auto engine = MakeEngine(EngineKind::kReference, model).value();
  const Errors errors = Compare(engine->Gradients(Batch(model->spec()), nullptr).value(), Wanted());
  // D is handed out in float32.
  EXPECT_LT(errors.scores, 2e-7);
  EXPECT_LT(errors.objective, 1e-12);
}

TEST_P(AdapterEngineTest, TheFastEngineGivesThemOnEveryTableOfOperations) {
  const GateGradients wanted = Wanted();
  for (const bool torch_operations : {false, true}) {
    for (const std::int64_t float64_parameters : {FastEngineOptions().float64_parameters, std::int64_t{0}}) {
      const auto model = LoadAdapted(DType::kFloat32);
      const FastEngineOptions options = {.float64_parameters = float64_parameters,
                                         .torch_operations = torch_operations};
      const auto engine = FastEngine::Create(model, options).value();
      const Errors errors = Compare(engine->Gradients(Batch(model->spec()), nullptr).value(), wanted);
      const double bound = float64_parameters > 0 ? 1e-6 : 1e-5;
      EXPECT_LT(errors.scores, bound) << torch_operations;
      EXPECT_LT(errors.objective, bound) << torch_operations;
    }
  }
}

TEST_P(AdapterEngineTest, TheBaseIsAnotherModelAndStaysAsItIs) {
  const auto base = LoadBase(DType::kFloat32);
  const auto before = MakeEngine(EngineKind::kFast, base).value()->Gradients(Batch(base->spec()), nullptr).value();
  const auto adapted = Model::LoadAdapter(home_.File("adapter"), base).value();
  const auto scores = MakeEngine(EngineKind::kFast, adapted).value()->Gradients(Batch(base->spec()), nullptr).value();
  EXPECT_GT(Compare(scores, before).scores, 1e-2);
  const auto after = MakeEngine(EngineKind::kFast, base).value()->Gradients(Batch(base->spec()), nullptr).value();
  EXPECT_EQ(after.d, before.d);
}

TEST_P(AdapterEngineTest, Bfloat16ProductsKeepToTheErrorsOfTheirDtype) {
  const auto model = LoadAdapted(DType::kBFloat16);
  const auto engine = MakeEngine(EngineKind::kFast, model).value();
  const Errors errors = Compare(engine->Gradients(Batch(model->spec()), nullptr).value(), Wanted());
  EXPECT_LT(errors.objective, 0.05);
  EXPECT_GT(errors.objective, 0.0);
}

// Separate, fused one after the other and head by head, stored [in, out]; projected embeddings; every residual.
INSTANTIATE_TEST_SUITE_P(Families, AdapterEngineTest,
                         ::testing::Values("llama", "gpt2", "phi3", "gpt_neox", "gemma2", "opt_post_norm", "phi"),
                         [](const auto& info) { return std::string(info.param); });

TEST(AdapterMemoryTest, SharesTheTensorsOfTheBase) {
  const TestModel base = TestModel::Golden("llama");
  TempDirectory home;
  TestAdapter::Random(base, {"model.layers.0.self_attn.q_proj"}, 2, 1).WriteTo(home.File("adapter"));
  const auto model = Model::Load(base.Write(), {.dtype = DType::kFloat32, .device = "cpu", .root = ""}).value();
  const auto adapted = Model::LoadAdapter(home.File("adapter"), model).value();
  EXPECT_EQ(adapted->base(), model);
  EXPECT_EQ(adapted->weights().layers[0].query.weight.data_ptr(), model->weights().layers[0].query.weight.data_ptr());
  EXPECT_EQ(adapted->weights().head.weight.data_ptr(), model->weights().head.weight.data_ptr());
  // A [2, 64] and B [64, 2].
  EXPECT_EQ(adapted->resident_bytes(), 4 * (2 * 64 + 64 * 2));
  const auto engine = MakeEngine(EngineKind::kFast, adapted).value();
  EXPECT_EQ(engine->held_bytes(), 0) << "no packed copy of what is shared";
  const auto in_float32 = FastEngine::Create(adapted, {.float64_parameters = 0}).value();
  EXPECT_EQ(in_float32->held_bytes(), 0) << "no packed copy of what is shared";
}

}  // namespace
}  // namespace headscope::worker
