#include "worker/model/reference_engine.h"

#include <cmath>

#include <gtest/gtest.h>

#include "tests/worker/support/engine_fixture.h"
#include "tests/worker/support/test_checkpoint.h"
#include "worker/tools/engine_check_compare.h"

namespace headscope::worker {
namespace {

class ReferenceEngineTest : public ::testing::TestWithParam<const char*> {
 protected:
  ReferenceEngineTest() : golden_(LoadGolden(GetParam())) {}
  GoldenCase golden_;
};

TEST_P(ReferenceEngineTest, ASampleScoresTheSameAloneAndInAnyCompany) {
  const TestEngine test = LoadTestEngine(golden_.directory, DType::kFloat32);
  const std::vector<HeadMatrix> together = ScoresOf(test, BatchOf(golden_.samples));
  std::vector<GoldenSample> reversed(golden_.samples.rbegin(), golden_.samples.rend());
  const std::vector<HeadMatrix> backwards = ScoresOf(test, BatchOf(reversed));
  for (std::size_t i = 0; i < golden_.samples.size(); ++i) {
    // Alone means without padding, in company of a longer one with it.
    const HeadMatrix alone = ScoresOf(test, BatchOf({golden_.samples[i]}))[0];
    EXPECT_LE(RelativeError(together[i], alone), 1e-5);
    EXPECT_LE(RelativeError(backwards[golden_.samples.size() - 1 - i], alone), 1e-5);
  }
}

TEST_P(ReferenceEngineTest, TheSameBatchGivesTheSameBytes) {
  const TestEngine test = LoadTestEngine(golden_.directory, DType::kFloat32);
  const auto first = test.engine->Gradients(BatchOf(golden_.samples), nullptr);
  const auto second = test.engine->Gradients(BatchOf(golden_.samples), nullptr);
  EXPECT_EQ(first->d, second->d);
  EXPECT_EQ(first->objective, second->objective);
}

TEST_P(ReferenceEngineTest, FiniteDifferencesOfAGateAgree) {
  const TestEngine test = LoadTestEngine(golden_.directory, DType::kFloat64);
  const PackedBatch batch = BatchOf(golden_.samples);
  const std::vector<HeadMatrix> scores = ScoresOf(test, batch);
  std::vector<HeadMatrix> differences(batch.size(), scores[0]);
  const float above = 1.0f + 0x1p-12f, below = 1.0f - 0x1p-12f;
  for (std::int64_t layer = 0; layer < test.layers(); ++layer) {
    for (std::int64_t head = 0; head < test.heads(); ++head) {
      const std::vector<double> up = GatedObjectives(test, batch, layer, head, above);
      const std::vector<double> down = GatedObjectives(test, batch, layer, head, below);
      for (std::int64_t i = 0; i < batch.size(); ++i) differences[i][layer][head] = (up[i] - down[i]) / (above - below);
    }
  }
  for (std::int64_t i = 0; i < batch.size(); ++i) EXPECT_LE(RelativeError(scores[i], differences[i]), 1e-6);
}

TEST_P(ReferenceEngineTest, GatesOfOneChangeNothingAndObjectivesOfBothPassesAgree) {
  const TestEngine test = LoadTestEngine(golden_.directory, DType::kFloat64);
  const PackedBatch batch = BatchOf(golden_.samples);
  const auto plain = test.engine->Objectives(batch, {}, nullptr);
  EXPECT_EQ(*plain, GatedObjectives(test, batch, 0, 0, 1.0f));
  const auto gradients = test.engine->Gradients(batch, nullptr);
  for (std::int64_t i = 0; i < batch.size(); ++i) EXPECT_NEAR(gradients->objective[i], (*plain)[i], 1e-12);
}

INSTANTIATE_TEST_SUITE_P(Families, ReferenceEngineTest, ::testing::Values("gpt2", "llama", "llama3", "gemma2"),
                         [](const auto& info) { return std::string(info.param); });

TEST(ReferenceEngineRulesTest, OnlyPredictingQueriesOfTheLastLayerScore) {
  const GoldenCase golden = LoadGolden("llama");
  const TestEngine test = LoadTestEngine(golden.directory, DType::kFloat64);
  const GoldenSample& sample = golden.samples[2];
  const auto gradients = test.engine->Gradients(BatchOf({sample}), nullptr);
  const auto length = static_cast<std::int64_t>(sample.token_ids.size());
  for (std::int64_t head = 0; head < test.heads(); ++head) {
    const float* d = gradients->d.data() + ((test.layers() - 1) * test.heads() + head) * length;
    for (std::int64_t query = 0; query < length; ++query) {
      const bool predicts = query >= sample.prompt_tokens - 1 && query < length - 1;
      EXPECT_EQ(d[query] != 0.0f, predicts) << head << " " << query;
    }
  }
}

TEST(ReferenceEngineRulesTest, WithoutAPromptTheFirstTokenIsNotSupervised) {
  const TestEngine test = LoadTestEngine(GoldenDirectory("llama"), DType::kFloat64);
  PackedBatch batch;
  batch.Add({5, 6, 7}, 0);
  batch.Add({5, 6, 7}, 1);
  const auto objectives = test.engine->Objectives(batch, {}, nullptr);
  ASSERT_TRUE(objectives.ok());
  EXPECT_EQ((*objectives)[0], (*objectives)[1]);
}

TEST(ReferenceEngineRulesTest, AVocabularyChunkMayEndInsideASample) {
  // 2^23 logits at a time: a vocabulary of 2^21 makes chunks of four rows.
  TestModel model = TestModel::Random({{"model_type", "gpt2"},
                                       {"vocab_size", 1 << 21},
                                       {"n_embd", 4},
                                       {"n_layer", 1},
                                       {"n_head", 2},
                                       {"n_positions", 16}},
                                      3);
  const TestEngine test = LoadTestEngine(model.Write(), DType::kFloat64);
  PackedBatch batch;
  batch.Add({1, 2, 3, 4, 5, 6, 7}, 1);
  batch.Add({1, 2, 3}, 1);
  const auto together = test.engine->Objectives(batch, {}, nullptr);
  PackedBatch last;
  last.Add({1, 2, 3}, 1);
  const auto alone = test.engine->Objectives(last, {}, nullptr);
  ASSERT_TRUE(together.ok() && alone.ok());
  EXPECT_NEAR((*together)[1], (*alone)[0], 1e-9);
  EXPECT_LE(RelativeError(ScoresOf(test, batch)[1], ScoresOf(test, last)[0]), 1e-9);
}

TEST(ReferenceEngineRulesTest, BadBatchesAreRefusedNamingTheSample) {
  const TestEngine test = LoadTestEngine(GoldenDirectory("llama"), DType::kFloat32);
  const auto expect_refused = [&](const PackedBatch& batch, const std::string& word) {
    const absl::Status status = test.engine->Gradients(batch, nullptr).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_NE(status.message().find(word), absl::string_view::npos) << status;
    EXPECT_EQ(test.engine->Objectives(batch, {}, nullptr).status().code(), absl::StatusCode::kInvalidArgument);
  };
  const auto with = [](std::vector<std::int32_t> ids, std::int64_t prompt) {
    PackedBatch batch;
    batch.Add({1, 2}, 1);
    batch.Add(ids, prompt);
    return batch;
  };
  expect_refused(with({1, 97}, 1), "sample 1 of the batch: token 1 has id 97, the vocabulary has 97");
  expect_refused(with({-1, 2}, 1), "id -1");
  expect_refused(with({1, 2}, 2), "no token is supervised");
  expect_refused(with({1, 2}, 5), "no token is supervised");
  expect_refused(with({1, 2}, -1), "sample 1");
  expect_refused(with({1}, 0), "no token is supervised");
  expect_refused(with({}, 0), "no token is supervised");
  expect_refused(with(std::vector<std::int32_t>(129, 1), 1), "129 tokens, the model has 128 positions");
  expect_refused(PackedBatch{}, "no samples");
  PackedBatch broken = with({1, 2}, 1);
  broken.offsets[1] = 7;
  expect_refused(broken, "offsets");
}

TEST(ReferenceEngineRulesTest, GatesOfAnotherSizeAreRefused) {
  const TestEngine test = LoadTestEngine(GoldenDirectory("llama"), DType::kFloat32);
  PackedBatch batch;
  batch.Add({1, 2}, 1);
  EXPECT_EQ(test.engine->Objectives(batch, HeadGates(5, 1.0f), nullptr).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(ReferenceEngineRulesTest, CancelStopsBetweenLayers) {
  const TestEngine test = LoadTestEngine(GoldenDirectory("llama"), DType::kFloat32);
  PackedBatch batch;
  batch.Add({1, 2}, 1);
  int asked = 0;
  const auto second_time = [&] { return ++asked == 2; };
  EXPECT_EQ(test.engine->Gradients(batch, second_time).status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(asked, 2);
  asked = 0;
  EXPECT_EQ(test.engine->Objectives(batch, {}, second_time).status().code(), absl::StatusCode::kCancelled);
}

TEST(ReferenceEngineRulesTest, Bfloat16IsRefusedSayingWhatIsPossible) {
  const auto model = Model::Load(GoldenDirectory("llama"), {.dtype = DType::kBFloat16, .device = "cpu", .root = ""});
  ASSERT_TRUE(model.ok());
  const absl::Status status = MakeEngine(EngineKind::kReference, *model).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("float32 or float64"), absl::string_view::npos);
}

TEST(EngineTest, KindsAreFoundByNameAndUnknownOnesRefusedNamingThem) {
  EXPECT_EQ(*ParseEngineKind("reference"), EngineKind::kReference);
  const absl::Status status = ParseEngineKind("warp").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("reference"), absl::string_view::npos);
}

}  // namespace
}  // namespace headscope::worker
