#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "tests/worker/runtime/runtime_fixture.h"

namespace headscope::worker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class ScoreShardTest : public testing::Test {
 protected:
  ScoreShardTest() { AddGoldenModel(root_, "llama", "m"); }

  ScoreResult Score(Runtime& runtime, const ShardInput& shard) {
    auto outcome = runtime.session.Score(shard, {});
    if (const auto* failure = std::get_if<ShardFailure>(&outcome)) ADD_FAILURE() << failure->message;
    return std::get<ScoreResult>(outcome);
  }

  TempDirectory root_;
};

// Every golden family: within 1e-5 of the largest score of the sample's matrix (system.md 4), objectives 1e-5 relative.
TEST_F(ScoreShardTest, AgreesWithEveryGoldenCaseWhateverTheBatchBudget) {
  for (const std::string family : {"gpt2", "llama", "llama3", "gemma2"}) {
    AddGoldenModel(root_, family, family);
  }
  Runtime runtime(root_);
  for (const std::string family : {"gpt2", "llama", "llama3", "gemma2"}) {
    const std::vector<GoldenSample> golden = ReadGolden(family);
    for (const std::uint32_t batch_tokens : {16u, 40u, 70u, 1024u}) {
      SCOPED_TRACE(testing::Message() << family << ", " << batch_tokens << " tokens in a batch");
      const ScoreResult result = Score(runtime, runtime.GoldenShard(family, family, batch_tokens));
      EXPECT_EQ(result.batch_tokens, batch_tokens);
      ASSERT_EQ(result.samples.size(), golden.size());
      const std::size_t matrix = result.layers * result.heads;
      for (std::size_t sample = 0; sample < golden.size(); ++sample) {
        EXPECT_EQ(result.samples[sample], 100 + sample);
        EXPECT_NEAR(result.objective[sample], golden[sample].objective, 1e-5 * golden[sample].objective);
        double largest = 0;
        for (const double score : golden[sample].scores) largest = std::max(largest, std::abs(score));
        for (std::size_t head = 0; head < matrix; ++head) {
          const double score = double{result.planes.at("prompt_signed")[sample * matrix + head]} +
                               result.planes.at("response_signed")[sample * matrix + head];
          EXPECT_NEAR(score, golden[sample].scores[head], 1e-5 * largest) << "sample " << sample << " head " << head;
        }
      }
    }
  }
}

// The files change between the check of the digest and the load: what was loaded must not stand for that digest.
TEST_F(ScoreShardTest, WhatWasLoadedFromChangedFilesIsNobodysModel) {
  AddGoldenModel(root_, "llama", "copy");
  Runtime runtime(root_);
  const ShardInput of_changed = runtime.GoldenShard("m", "llama", 1024);
  const ShardInput of_copy = runtime.GoldenShard("copy", "llama", 1024);
  ASSERT_EQ(of_changed.model_digest, of_copy.model_digest);
  TestTensors other = ParseSafetensors(ReadFileOrDie(root_.File("m/model.safetensors")));
  for (auto& [name, tensor] : other) {
    std::vector<double> values = tensor.Values();
    for (double& value : values) value *= 1.5;
    tensor.SetValues(values);
  }
  ShardControl control;
  bool overwritten = false;
  control.stop_after_batch = [&] {
    if (!std::exchange(overwritten, true)) WriteModelFile(root_, "m", "model.safetensors", SafetensorsBytes(other));
    return false;
  };
  const auto outcome = runtime.session.Score(of_changed, control);
  ASSERT_TRUE(std::holds_alternative<ShardFailure>(outcome));
  EXPECT_EQ(std::get<ShardFailure>(outcome).reason, "MODEL_CHANGED");
  const ScoreResult result = Score(runtime, of_copy);
  const std::vector<GoldenSample> golden = ReadGolden("llama");
  for (std::size_t sample = 0; sample < golden.size(); ++sample) {
    EXPECT_NEAR(result.objective[sample], golden[sample].objective, 1e-5 * golden[sample].objective);
  }
}

TEST_F(ScoreShardTest, TheFirstTokenOfATextIsItsPrompt) {
  AddGoldenModel(root_, "llama", "text", true);
  Runtime runtime(root_);
  ShardInput shard = runtime.GoldenShard("text", "llama", 1024);
  shard.compute.append_eos = false;
  // In the tiny tokenizer a byte is its own id.
  shard.samples = {{0, {"text", PlainText{"ABCD"}}}, {1, {"ids", TokenIds{{'A', 'B', 'C', 'D'}, 1}}}};
  const ScoreResult result = Score(runtime, shard);
  EXPECT_THAT(result.response_tokens, ElementsAre(3, 3));
  EXPECT_EQ(result.objective[0], result.objective[1]);
  const std::size_t matrix = result.layers * result.heads;
  for (const auto& [name, plane] : result.planes) {
    for (std::size_t head = 0; head < matrix; ++head) EXPECT_EQ(plane[head], plane[matrix + head]) << name;
    EXPECT_NE(plane[0], 0) << name;
  }
}

TEST_F(ScoreShardTest, RecordsTokensOnRequestInTheShardsOrder) {
  AddGoldenModel(root_, "llama", "text", true);
  Runtime runtime(root_);
  ShardInput shard = runtime.GoldenShard("text", "llama", 16);
  constexpr std::uint32_t kEndOfSequence = 2;
  // The longest is scored first.
  shard.samples = {{0, {"pair", TextPair{"AB", "C"}}},
                   {1, {"plain", PlainText{"DEFGHIJKLMNOP"}}},
                   {2, {"ids", TokenIds{{'X', 'Y', 'Z'}, 0}}}};
  shard.compute.max_tokens = 6;
  EXPECT_FALSE(Score(runtime, shard).recorded.has_value());
  shard.compute.record_tokens = true;

  const ScoreResult result = Score(runtime, shard);

  ASSERT_TRUE(result.recorded.has_value());
  EXPECT_THAT(result.tokens, ElementsAre(4, 6, 3));
  EXPECT_THAT(result.response_tokens, ElementsAre(2, 5, 2));
  EXPECT_THAT(result.recorded->ids,
              ElementsAre('A', 'B', 'C', kEndOfSequence, 'D', 'E', 'F', 'G', 'H', 'I', 'X', 'Y', 'Z'));
  EXPECT_EQ(result.recorded->response_mask, std::string("\0\0\1\1\0\1\1\1\1\1\0\1\1", 13));
  EXPECT_THAT(result.recorded->strings, SizeIs(13));
  EXPECT_EQ(result.recorded->strings[2], "C");
}

TEST_F(ScoreShardTest, RecordsNoStringsWithoutATokenizer) {
  Runtime runtime(root_);
  ShardInput shard = runtime.GoldenShard("m", "llama", 1024);
  shard.compute.record_tokens = true;
  const ScoreResult result = Score(runtime, shard);
  EXPECT_THAT(result.recorded->ids, SizeIs(5 + 33 + 17 + 9 + 26));
  EXPECT_THAT(result.recorded->strings, IsEmpty());
}

TEST_F(ScoreShardTest, CountsTokensAndBatchesWithoutPadding) {
  Runtime runtime(root_);
  // Lengths 5, 33, 17, 9, 26.
  const ScoreResult result = Score(runtime, runtime.GoldenShard("m", "llama", 40));
  EXPECT_THAT(result.tokens, ElementsAre(5, 33, 17, 9, 26));
  EXPECT_THAT(result.response_tokens, ElementsAre(3, 25, 5, 5, 20));
  EXPECT_EQ(result.batches, 3u) << "5 and 9 and 17, 26, 33";
  EXPECT_EQ(result.padded_tokens, 0u);
  EXPECT_GT(result.compute_seconds, 0);
}

TEST_F(ScoreShardTest, CountsThePaddingOfAnEngineThatPads) {
  Runtime runtime(root_);
  ShardInput shard = runtime.GoldenShard("m", "llama", 40);
  shard.compute.engine = "reference";
  const ScoreResult result = Score(runtime, shard);
  EXPECT_EQ(result.batches, 4u) << "5 and 9, 17, 26, 33";
  EXPECT_EQ(result.padded_tokens, 4u);
}

TEST_F(ScoreShardTest, ReportsProgressAfterEveryBatch) {
  Runtime runtime(root_);
  std::vector<std::uint64_t> samples;
  std::vector<std::uint64_t> tokens;
  ShardControl control;
  control.progress = [&](std::uint64_t samples_done, std::uint64_t tokens_done) {
    samples.push_back(samples_done);
    tokens.push_back(tokens_done);
  };
  runtime.session.Score(runtime.GoldenShard("m", "llama", 40), control);
  EXPECT_THAT(samples, ElementsAre(1, 2, 5));
  EXPECT_THAT(tokens, ElementsAre(33, 59, 90));
}

TEST_F(ScoreShardTest, SaysOnceWhenLittleIsLeftToCompute) {
  Runtime runtime(root_);
  for (const auto& [budget, said_after] : std::vector<std::pair<std::uint32_t, std::uint64_t>>{{40, 1}, {1024, 0}}) {
    std::uint64_t done = 0;
    std::vector<std::uint64_t> said;
    ShardControl control;
    control.progress = [&](std::uint64_t samples, std::uint64_t) { done = samples; };
    control.nearly_done = [&] { said.push_back(done); };
    runtime.session.Score(runtime.GoldenShard("m", "llama", budget), control);
    // Three batches of milliseconds: how long the rest takes is known after the first. One batch: before it.
    EXPECT_THAT(said, ElementsAre(said_after)) << budget;
  }
}

TEST_F(ScoreShardTest, OneShardComputesAtATime) {
  std::atomic<int> engines = 0;
  // Tokens of the batches as they ran; the device's thread writes.
  std::vector<std::int64_t> batches;
  const EngineFactory intercepted = InterceptedEngine([&](const PackedBatch& batch, const CancelCheck&) {
    batches.push_back(batch.tokens());
    return absl::OkStatus();
  });
  Runtime runtime(root_, [&](EngineKind kind, std::shared_ptr<const Model> model) {
    ++engines;
    return intercepted(kind, std::move(model));
  });
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] { Score(runtime, runtime.GoldenShard("m", "llama", 16)); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(batches, ElementsAre(33, 26, 17, 14, 33, 26, 17, 14, 33, 26, 17, 14)) << "whole shards";
  EXPECT_EQ(engines, 1) << "each found the engine that the former had left";
}

TEST_F(ScoreShardTest, StopsWithinABatchWhenCancelled) {
  int started = 0;
  bool cancelled = false;
  Runtime runtime(root_, InterceptedEngine([&](const PackedBatch&, const CancelCheck& check) {
                    ++started;
                    // Cancelled while the second batch runs: its engine sees it.
                    cancelled = started == 2;
                    return check() ? absl::CancelledError("cancelled") : absl::OkStatus();
                  }));
  ShardControl control;
  control.cancelled = [&] { return cancelled; };
  const auto outcome = runtime.session.Score(runtime.GoldenShard("m", "llama", 16), control);
  EXPECT_TRUE(std::holds_alternative<ShardStopped>(outcome));
  EXPECT_EQ(started, 2);
}

TEST_F(ScoreShardTest, FinishesTheBatchAtHandWhenAskedToStopAfterIt) {
  int started = 0;
  Runtime runtime(root_, InterceptedEngine([&](const PackedBatch&, const CancelCheck&) {
                    ++started;
                    return absl::OkStatus();
                  }));
  std::uint64_t done = 0;
  ShardControl control;
  control.progress = [&](std::uint64_t samples, std::uint64_t) { done = samples; };
  control.stop_after_batch = [&] { return started == 1; };
  const auto outcome = runtime.session.Score(runtime.GoldenShard("m", "llama", 16), control);
  EXPECT_TRUE(std::holds_alternative<ShardStopped>(outcome));
  EXPECT_EQ(started, 1);
  EXPECT_EQ(done, 1u);
}

TEST_F(ScoreShardTest, HalvesTheBudgetWhenMemoryRunsOut) {
  Runtime plain(root_);
  const ScoreResult wanted = Score(plain, plain.GoldenShard("m", "llama", 50));
  // Tokens of the batches that memory ran out on.
  std::vector<std::int64_t> refused;
  Runtime runtime(root_, InterceptedEngine([&](const PackedBatch& batch, const CancelCheck&) -> absl::Status {
                    if (batch.tokens() <= 50) return absl::OkStatus();
                    refused.push_back(batch.tokens());
                    return absl::ResourceExhaustedError("no memory");
                  }));
  const ScoreResult result = Score(runtime, runtime.GoldenShard("m", "llama", 400));
  EXPECT_EQ(result.batch_tokens, 50u) << "400, then what splits 90, which is 50";
  EXPECT_THAT(refused, ElementsAre(90));
  EXPECT_EQ(result.planes, wanted.planes) << "as if 50 had been asked for";
  EXPECT_EQ(result.objective, wanted.objective);
  EXPECT_EQ(result.batches, wanted.batches);
  EXPECT_THAT(runtime.metrics.Text(), HasSubstr("headscope_worker_oom_total 1"));
}

TEST_F(ScoreShardTest, GivesUpWhenMemoryRunsOutOnOneSample) {
  Runtime runtime(root_, InterceptedEngine([&](const PackedBatch& batch, const CancelCheck&) -> absl::Status {
                    if (batch.tokens() < 33) return absl::OkStatus();
                    return absl::ResourceExhaustedError("no memory");
                  }));
  const auto outcome = runtime.session.Score(runtime.GoldenShard("m", "llama", 400), {});
  const auto& failure = std::get<ShardFailure>(outcome);
  EXPECT_EQ(failure.reason, "OUT_OF_MEMORY");
  EXPECT_THAT(failure.message, HasSubstr("\"s1\""));
  EXPECT_TRUE(failure.retryable);
  ASSERT_TRUE(failure.suggested_batch_tokens.has_value());
  EXPECT_LT(*failure.suggested_batch_tokens, 90u);
}

TEST_F(ScoreShardTest, NamesTheSampleWhoseScoresAreNotFinite) {
  TestModel model = TestModel::Golden("llama");
  // The embedding of token 93, which of these samples only s1 and s4 hold, is no number; s1 is the longest of them.
  TestTensor& embedding = model.tensors.at("model.embed_tokens.weight");
  std::vector<double> values = embedding.Values();
  const std::int64_t width = embedding.shape[1];
  for (std::int64_t column = 0; column < width; ++column) values[93 * width + column] = std::nan("");
  embedding.SetValues(values);
  WriteModelFile(root_, "m", "model.safetensors", SafetensorsBytes(model.tensors));
  Runtime runtime(root_);
  ShardInput shard = runtime.GoldenShard("m", "llama", 1024);
  std::erase_if(shard.samples, [](const ShardSample& sample) { return sample.sample.id == "s4"; });
  const auto outcome = runtime.session.Score(shard, {});
  const auto& failure = std::get<ShardFailure>(outcome);
  EXPECT_EQ(failure.reason, "NON_FINITE_SCORES");
  EXPECT_THAT(failure.message,
              testing::StartsWith("sample \"s1\" (position 101): the loss is nan, so no score of any layer and head is "
                                  "finite; either the weights hold infinities or NaN, or"));
  EXPECT_FALSE(failure.retryable);
}

TEST_F(ScoreShardTest, AFileThatCannotBeOpenedAtTheMomentIsTriedAgain) {
  AddGoldenModel(root_, "llama", "text", true);
  Runtime runtime(root_);
  const ShardInput shard = runtime.GoldenShard("text", "llama", 1024);
  {
    const NoOpenFiles none;
    const auto prepared = runtime.session.Prepare(shard, {});
    EXPECT_TRUE(std::get<ShardFailure>(prepared).retryable) << std::get<ShardFailure>(prepared).message;
    const auto scored = runtime.session.Score(shard, {});
    EXPECT_TRUE(std::get<ShardFailure>(scored).retryable) << std::get<ShardFailure>(scored).message;
  }
  EXPECT_TRUE(std::holds_alternative<PrepareResult>(runtime.session.Prepare(shard, {})));
  Score(runtime, shard);
}

TEST_F(ScoreShardTest, RefusesContentOtherThanThePinnedOne) {
  Runtime runtime(root_);
  const ShardInput shard = runtime.GoldenShard("m", "llama", 1024);
  WriteModelFile(root_, "m", "generation_config.json", "{}");
  const auto outcome = runtime.session.Score(shard, {});
  EXPECT_EQ(std::get<ShardFailure>(outcome).reason, "MODEL_CHANGED");
}

TEST_F(ScoreShardTest, RefusesOptionsByName) {
  Runtime runtime(root_);
  ShardInput shard = runtime.GoldenShard("m", "llama", 1024);
  shard.compute.dtype = "float8";
  const auto outcome = runtime.session.Score(shard, {});
  EXPECT_EQ(std::get<ShardFailure>(outcome).reason, "INVALID_OPTIONS");
  EXPECT_THAT(std::get<ShardFailure>(outcome).message, HasSubstr("float8"));
}

TEST_F(ScoreShardTest, RefusesADtypeThatTheEngineDoesNotComputeIn) {
  Runtime runtime(root_);
  ShardInput shard = runtime.GoldenShard("m", "llama", 1024);
  shard.compute.engine = "reference";
  shard.compute.dtype = "bfloat16";
  const auto outcome = runtime.session.Score(shard, {});
  EXPECT_EQ(std::get<ShardFailure>(outcome).reason, "INVALID_OPTIONS");
  EXPECT_THAT(std::get<ShardFailure>(outcome).message, HasSubstr("bfloat16"));
}

TEST_F(ScoreShardTest, GivesUpABatchThatMakesNoProgress) {
  Runtime runtime(root_, InterceptedEngine([&](const PackedBatch&, const CancelCheck& check) -> absl::Status {
                    while (!check()) {
                    }
                    return absl::CancelledError("cancelled");
                  }));
  ShardControl control;
  control.no_progress_timeout = absl::Milliseconds(20);
  const auto outcome = runtime.session.Score(runtime.GoldenShard("m", "llama", 1024), control);
  const auto& failure = std::get<ShardFailure>(outcome);
  EXPECT_EQ(failure.reason, "INTERNAL");
  EXPECT_TRUE(failure.retryable);
  EXPECT_THAT(failure.message, HasSubstr("20ms"));
}

TEST_F(ScoreShardTest, RefusesMoreResultThanWasPlanned) {
  Runtime runtime(root_);
  ShardInput shard = runtime.GoldenShard("m", "llama", 1024);
  // 5 samples, 4 planes of 12 heads in float32.
  shard.max_result_bytes = 5 * 4 * 12 * 4 - 1;
  EXPECT_EQ(std::get<ShardFailure>(runtime.session.Score(shard, {})).reason, "INTERNAL");
  shard.max_result_bytes += 1;
  EXPECT_TRUE(std::holds_alternative<ScoreResult>(runtime.session.Score(shard, {})));
  shard.compute.record_tokens = true;
  // An id and a mark for each of the 90 tokens.
  shard.max_result_bytes += 90 * 5 - 1;
  EXPECT_EQ(std::get<ShardFailure>(runtime.session.Score(shard, {})).reason, "INTERNAL");
  shard.max_result_bytes += 1;
  EXPECT_TRUE(std::holds_alternative<ScoreResult>(runtime.session.Score(shard, {})));
}

TEST_F(ScoreShardTest, HoldsNoModelOnceItHasEnded) {
  Runtime runtime(root_);
  Score(runtime, runtime.GoldenShard("m", "llama", 1024));
  EXPECT_EQ(runtime.models.Resident().size(), 1u);
  runtime.models.EvictUnused();
  EXPECT_EQ(runtime.models.Resident().size(), 0u);
}

}  // namespace
}  // namespace headscope::worker
