#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/worker/support/test_checkpoint.h"
#include "worker/tensor/torch_runtime.h"
#include "worker/tools/trainer/byte_vocabulary.h"
#include "worker/tools/trainer/demo_files.h"
#include "worker/tools/trainer/learner.h"
#include "worker/tools/trainer/measurement.h"
#include "worker/tools/trainer/training_run.h"

namespace headscope::worker {
namespace {

constexpr std::int64_t kSteps = 54;

struct Trained {
  TrainingResult result;
  std::vector<std::string> lines;
  std::vector<std::int64_t> saved;
};

// Trains an untrained model in `directory` for a few steps on copying and writes it back.
Trained TrainAFew(const TempDirectory& directory, std::uint64_t seed) {
  SetComputeThreads(1);
  EXPECT_TRUE(WriteUntrainedModel(directory.path(), seed).ok());
  auto learner = Learner::Open(directory.path());
  EXPECT_TRUE(learner.ok()) << learner.status();
  Trained trained;
  const TrainingOptions options = {.tasks = {"copy"},
                                   .steps = kSteps,
                                   .batch = 8,
                                   .seed = seed,
                                   .held_out = 4,
                                   .report_every = 10,
                                   .save_every = 10};
  const TrainingEvents events = {.report = [&](const std::string& line) { trained.lines.push_back(line); },
                                 .save =
                                     [&](std::int64_t step) {
                                       trained.saved.push_back(step);
                                       return absl::OkStatus();
                                     }};
  const auto result = Train(**learner, options, events);
  EXPECT_TRUE(result.ok()) << result.status();
  trained.result = *result;
  EXPECT_TRUE((*learner)->Save(directory.path(), StoredType::kFloat32).ok());
  return trained;
}

PackedBatch CopyBatch(std::int64_t count) {
  PackedBatch batch;
  for (const Example& example : HeldOutExamples("copy", 1, count)) AddExample(example, batch);
  return batch;
}

TEST(TrainerTest, AFewStepsLowerTheLossOfGuessing) {
  const TempDirectory directory;
  const Trained trained = TrainAFew(directory, 1);
  // Guessing among 257 words costs 5.55 nats.
  EXPECT_LT(trained.result.loss, 4.5);
  EXPECT_THAT(trained.saved, testing::ElementsAre(10, 20, 30, 40, 50));
  EXPECT_THAT(trained.lines.front(), testing::HasSubstr("step 10/54"));
}

TEST(TrainerTest, RowsAreLearnedAndCheckpointsComeAfterTheirSteps) {
  const TempDirectory directory;
  SetComputeThreads(1);
  ASSERT_TRUE(WriteUntrainedModel(directory.path(), 1).ok());
  const auto learner = Learner::Open(directory.path());
  ASSERT_TRUE(learner.ok()) << learner.status();
  const std::vector<Example> rows = TrainingExamples("sort", 1, 4);
  const double before = Measure(**learner, rows)->loss;
  std::vector<std::int64_t> checkpoints;
  const TrainingEvents events = {.report = [](const std::string&) {},
                                 .save = nullptr,
                                 .checkpoint =
                                     [&](std::int64_t step) {
                                       checkpoints.push_back(step);
                                       return absl::OkStatus();
                                     }};
  const auto result =
      Train(**learner, {.rows = rows, .steps = 30, .batch = 4, .warm_up_steps = 5, .checkpoints = {1, 7, 30}}, events);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(checkpoints, testing::ElementsAre(1, 7, 30));
  EXPECT_LT(Measure(**learner, rows)->loss, before - 1);
  // There is no task to be measured.
  EXPECT_TRUE(result->held_out_accuracy.empty());
}

TEST(TrainerTest, AMeasurementIsTheLossOfTheNextStep) {
  const TempDirectory directory;
  SetComputeThreads(1);
  ASSERT_TRUE(WriteUntrainedModel(directory.path(), 1).ok());
  const auto learner = Learner::Open(directory.path());
  ASSERT_TRUE(learner.ok()) << learner.status();
  // More than are measured at a time.
  const std::vector<Example> examples = HeldOutExamples("copy", 1, 300);
  const auto measured = Measure(**learner, examples);
  ASSERT_TRUE(measured.ok()) << measured.status();
  EXPECT_EQ(measured->examples, 300);
  EXPECT_EQ(measured->accuracy, 0.0);
  EXPECT_NEAR(measured->loss, *(*learner)->Step(CopyBatch(300), 1e-3), 1e-4);
}

TEST(TrainerTest, AnExampleIsExactWhenEveryTokenIs) {
  const TempDirectory directory;
  SetComputeThreads(1);
  ASSERT_TRUE(WriteUntrainedModel(directory.path(), 1).ok());
  const auto learner = Learner::Open(directory.path());
  ASSERT_TRUE(learner.ok()) << learner.status();
  PackedBatch batch;
  AddExample({"sort: ba ->", "ab"}, batch);
  for (int step = 0; step < 60; ++step) ASSERT_TRUE((*learner)->Step(batch, 3e-3).ok());
  // Learned by heart; the second example differs from it in its last letter only.
  EXPECT_EQ(Measure(**learner, {{"sort: ba ->", "ab"}, {"sort: ba ->", "ac"}})->accuracy, 0.5);
}

TEST(TrainerTest, TheSameSeedGivesTheSameBytes) {
  const TempDirectory first, second, other;
  TrainAFew(first, 1);
  TrainAFew(second, 1);
  TrainAFew(other, 2);
  const std::string weights = ReadFileOrDie(first.File("model.safetensors"));
  EXPECT_EQ(weights, ReadFileOrDie(second.File("model.safetensors")));
  EXPECT_NE(weights, ReadFileOrDie(other.File("model.safetensors")));
}

TEST(TrainerTest, ASavedModelGoesOnWhereItWas) {
  const TempDirectory directory, copy;
  ASSERT_TRUE(WriteUntrainedModel(directory.path(), 1).ok());
  auto learner = Learner::Open(directory.path());
  ASSERT_TRUE(learner.ok());
  ASSERT_TRUE((*learner)->Step(CopyBatch(8), 1e-3).ok());
  ASSERT_TRUE((*learner)->Save(copy.path(), StoredType::kFloat32).ok());
  auto again = Learner::Open(copy.path());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_DOUBLE_EQ(*(*learner)->Step(CopyBatch(8), 1e-3), *(*again)->Step(CopyBatch(8), 1e-3));
  EXPECT_EQ(ReadFileOrDie(directory.File("tokenizer.json")), ReadFileOrDie(copy.File("tokenizer.json")));
}

TEST(TrainerTest, WeightsSavedInBFloat16AreNamedSoInTheConfig) {
  const TempDirectory directory;
  ASSERT_TRUE(WriteUntrainedModel(directory.path(), 1).ok());
  ASSERT_TRUE((*Learner::Open(directory.path()))->Save(directory.path(), StoredType::kBFloat16).ok());
  EXPECT_EQ(nlohmann::json::parse(ReadFileOrDie(directory.File("config.json")))["torch_dtype"], "bfloat16");
  EXPECT_EQ(ParseSafetensors(ReadFileOrDie(directory.File("model.safetensors"))).at("model.norm.weight").dtype, "BF16");
}

TEST(TrainerTest, ASampleThatTheModelCannotRunIsRefused) {
  const TempDirectory directory;
  ASSERT_TRUE(WriteUntrainedModel(directory.path(), 1).ok());
  PackedBatch batch;
  batch.Add({1, 2, 300}, 1);
  EXPECT_EQ((*Learner::Open(directory.path()))->Step(batch, 1e-3).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ByteVocabularyTest, IdsAreBytesAndTheEndFollowsTheResponse) {
  PackedBatch batch;
  AddExample({"copy: ab ->", "ab"}, batch);
  EXPECT_EQ(batch.prompt_tokens[0], 11);
  EXPECT_THAT(std::vector<std::int32_t>(batch.token_ids.end() - 4, batch.token_ids.end()),
              testing::ElementsAre('>', 'a', 'b', 256));
}

}  // namespace
}  // namespace headscope::worker
