#include "worker/model/fast/fast_engine.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include <gtest/gtest.h>

#include "tests/worker/support/engine_fixture.h"
#include "tests/worker/support/random_decoder.h"
#include "tests/worker/support/test_checkpoint.h"
#include "worker/tensor/torch_runtime.h"

namespace headscope::worker {
namespace {

std::unique_ptr<Engine> MakeFast(std::shared_ptr<const Model> model, const FastEngineOptions& options = {}) {
  auto engine = FastEngine::Create(std::move(model), options);
  EXPECT_TRUE(engine.ok()) << engine.status();
  return *std::move(engine);
}

std::unique_ptr<Engine> Reference(const DecoderSpec& spec, bool round = false) {
  auto engine = MakeEngine(EngineKind::kReference, RandomModel(spec, DType::kFloat64, round));
  EXPECT_TRUE(engine.ok()) << engine.status();
  return *std::move(engine);
}

// Samples of 2 to 100 tokens; one without prompt, one with a single supervised token.
PackedBatch MixedBatch(const DecoderSpec& spec) {
  PackedBatch batch;
  batch.Add(MadeUpIds(17, spec.vocabulary, 1), 6);
  batch.Add(MadeUpIds(2, spec.vocabulary, 2), 1);
  batch.Add(MadeUpIds(100, spec.vocabulary, 3), 99);
  batch.Add(MadeUpIds(40, spec.vocabulary, 4), 0);
  batch.Add(MadeUpIds(64, spec.vocabulary, 5), 20);
  return batch;
}

// Largest difference of the scores of one sample, relative to the largest of the wanted ones.
double WorstOf(const GateGradients& found, const GateGradients& wanted, const PackedBatch& batch, std::int64_t sample,
               std::int64_t matrix) {
  double largest = 0, worst = 0;
  for (std::int64_t head = 0; head < matrix; ++head) {
    double sum = 0, wanted_sum = 0;
    for (std::int64_t i = batch.offsets[sample]; i < batch.offsets[sample + 1]; ++i) {
      sum += found.d[head * batch.tokens() + i];
      wanted_sum += wanted.d[head * batch.tokens() + i];
    }
    largest = std::max(largest, std::abs(wanted_sum));
    worst = std::max(worst, std::abs(sum - wanted_sum));
  }
  return worst / largest;
}

// Every spec in both precisions: small models are computed in float64, large ones in float32.
class FastEngineTest : public ::testing::TestWithParam<std::tuple<NamedSpec, bool>> {
 protected:
  const DecoderSpec& spec() const { return std::get<0>(GetParam()).spec; }
  bool float64() const { return std::get<1>(GetParam()); }
  // On scores, relative to the sample's largest: D itself is float32.
  double bound() const { return float64() ? 1e-6 : 1e-5; }

  std::unique_ptr<Engine> Fast(std::shared_ptr<const Model> model, FastEngineOptions options = {}) {
    if (!float64()) options.float64_parameters = -1;
    return MakeFast(std::move(model), options);
  }

  GateGradients Run(Engine& engine, const PackedBatch& batch) {
    auto gradients = engine.Gradients(batch, nullptr);
    EXPECT_TRUE(gradients.ok()) << gradients.status();
    return *std::move(gradients);
  }

  void ExpectScores(const GateGradients& found, const GateGradients& wanted, const PackedBatch& batch, double bound) {
    for (std::int64_t sample = 0; sample < batch.size(); ++sample) {
      EXPECT_LE(WorstOf(found, wanted, batch, sample, spec().layers * spec().heads), bound) << "sample " << sample;
      EXPECT_NEAR(found.objective[sample] / wanted.objective[sample], 1.0, bound) << "sample " << sample;
    }
  }
};

TEST_P(FastEngineTest, AgreesWithTheReferenceInFloat64) {
  const PackedBatch batch = MixedBatch(spec());
  const GateGradients wanted = Run(*Reference(spec()), batch);
  const auto model = RandomModel(spec(), DType::kFloat32);
  {
    SCOPED_TRACE("this processor's operations");
    ExpectScores(Run(*Fast(model), batch), wanted, batch, bound());
  }
  SCOPED_TRACE("LibTorch's operations");
  ExpectScores(Run(*Fast(model, {.torch_operations = true}), batch), wanted, batch, bound());
}

TEST_P(FastEngineTest, TheBaseQuantityAgreesAtEveryToken) {
  const PackedBatch batch = MixedBatch(spec());
  const GateGradients wanted = Run(*Reference(spec()), batch);
  const GateGradients found = Run(*Fast(RandomModel(spec(), DType::kFloat32)), batch);
  float largest = 0, worst = 0;
  ASSERT_EQ(found.d.size(), wanted.d.size());
  for (std::size_t i = 0; i < wanted.d.size(); ++i) {
    largest = std::max(largest, std::abs(wanted.d[i]));
    worst = std::max(worst, std::abs(found.d[i] - wanted.d[i]));
  }
  EXPECT_LE(worst, bound() * largest);
}

TEST_P(FastEngineTest, AblationsAgreeWithTheReference) {
  const PackedBatch batch = MixedBatch(spec());
  HeadGates gates;
  for (std::int64_t i = 0; i < batch.size() * spec().layers * spec().heads; ++i) {
    gates.push_back(i % 3 == 0 ? 0.0F : i % 3 == 1 ? 1.0F : 0.5F);
  }
  const auto wanted = Reference(spec())->Objectives(batch, gates, nullptr);
  const auto found = Fast(RandomModel(spec(), DType::kFloat32))->Objectives(batch, gates, nullptr);
  ASSERT_TRUE(wanted.ok() && found.ok());
  for (std::size_t i = 0; i < wanted->size(); ++i) EXPECT_NEAR((*found)[i] / (*wanted)[i], 1.0, bound());
}

TEST_P(FastEngineTest, WhatIsKeptAndWhatIsComputedAgainGiveTheSameBytes) {
  const PackedBatch batch = MixedBatch(spec());
  const GateGradients all = Run(*Fast(RandomModel(spec(), DType::kFloat32)), batch);
  // Nothing fits; then some hundred KB, which two layers' activations of this batch do not exceed.
  for (const std::int64_t bytes : {0, 250'000, 500'000}) {
    const GateGradients again = Run(*Fast(RandomModel(spec(), DType::kFloat32), {.activation_bytes = bytes}), batch);
    EXPECT_EQ(again.d, all.d) << bytes;
    EXPECT_EQ(again.objective, all.objective) << bytes;
  }
}

TEST_P(FastEngineTest, TheNumberOfThreadsChangesNoByte) {
  const PackedBatch batch = MixedBatch(spec());
  const std::unique_ptr<Engine> engine = Fast(RandomModel(spec(), DType::kFloat32));
  const int before = ComputeThreads();
  SetComputeThreads(1);
  const GateGradients one = Run(*engine, batch);
  SetComputeThreads(3);
  const GateGradients three = Run(*engine, batch);
  SetComputeThreads(before);
  EXPECT_EQ(one.d, three.d);
  EXPECT_EQ(one.objective, three.objective);
}

TEST_P(FastEngineTest, CompanyAndPlaceInABatchDoNotMatter) {
  const PackedBatch batch = MixedBatch(spec());
  const std::unique_ptr<Engine> engine = Fast(RandomModel(spec(), DType::kFloat32));
  const GateGradients together = Run(*engine, batch);
  for (std::int64_t sample = 0; sample < batch.size(); ++sample) {
    PackedBatch alone;
    alone.Add({batch.token_ids.begin() + batch.offsets[sample], batch.token_ids.begin() + batch.offsets[sample + 1]},
              batch.prompt_tokens[sample]);
    const GateGradients single = Run(*engine, alone);
    GateGradients part;
    part.objective = {together.objective[sample]};
    for (std::int64_t head = 0; head < spec().layers * spec().heads; ++head) {
      const auto row = together.d.begin() + head * batch.tokens();
      part.d.insert(part.d.end(), row + batch.offsets[sample], row + batch.offsets[sample + 1]);
    }
    ExpectScores(part, single, alone, bound());
  }
}

// Cosine of the angle between all scores of the batch.
double Cosine(const GateGradients& a, const GateGradients& b) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.d.size(); ++i) {
    ab += double{a.d[i]} * b.d[i];
    aa += double{a.d[i]} * a.d[i];
    bb += double{b.d[i]} * b.d[i];
  }
  return ab / std::sqrt(aa * bb);
}

// Weights of bfloat16 are exact in float32; products of bfloat16 values are not, and their error is published.
TEST_P(FastEngineTest, HalfPrecisionStaysNear) {
  const PackedBatch batch = MixedBatch(spec());
  const GateGradients wanted = Run(*Reference(spec(), true), batch);
  ExpectScores(Run(*Fast(RandomModel(spec(), DType::kFloat32, true)), batch), wanted, batch, bound());
  EXPECT_GT(Cosine(Run(*Fast(RandomModel(spec(), DType::kBFloat16)), batch), wanted), 0.99);
}

INSTANTIATE_TEST_SUITE_P(Specs, FastEngineTest, ::testing::Combine(::testing::ValuesIn(EverySpec()), ::testing::Bool()),
                         [](const auto& info) {
                           return std::get<0>(info.param).name + (std::get<1>(info.param) ? "_float64" : "_float32");
                         });

TEST(FastEngineRulesTest, Float64IsRefusedNamingTheReference) {
  const auto engine = FastEngine::Create(RandomModel(EverySpec()[0].spec, DType::kFloat64), {});
  EXPECT_EQ(engine.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(engine.status().message().find("reference"), absl::string_view::npos);
}

TEST(FastEngineRulesTest, ModelsUpToTheLimitAreComputedInFloat64) {
  const TestEngine small = LoadTestEngine(GoldenDirectory("gpt2"), DType::kFloat32, EngineKind::kFast);
  const PackedBatch batch = MixedBatch(small.model->spec());
  const auto d_with = [&](std::int64_t float64_parameters) {
    return MakeFast(small.model, {.float64_parameters = float64_parameters})->Gradients(batch, nullptr)->d;
  };
  const std::int64_t parameters = small.model->description().parameters;
  EXPECT_NE(d_with(parameters), d_with(0));
  EXPECT_EQ(d_with(parameters - 1), d_with(0));
  EXPECT_EQ(small.engine->Gradients(batch, nullptr)->d, d_with(parameters));
}

TEST(FastEngineRulesTest, CancelStopsBetweenLayersOfBothPasses) {
  const DecoderSpec spec = EverySpec()[0].spec;
  const std::unique_ptr<Engine> engine = MakeFast(RandomModel(spec, DType::kFloat32));
  for (int stop = 1; stop <= 2 * spec.layers; ++stop) {
    int asked = 0;
    const auto status = engine->Gradients(MixedBatch(spec), [&] { return ++asked == stop; }).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << stop;
    EXPECT_EQ(asked, stop);
  }
}

TEST(FastEngineRulesTest, BadBatchesAreRefused) {
  const DecoderSpec spec = EverySpec()[0].spec;
  const std::unique_ptr<Engine> engine = MakeFast(RandomModel(spec, DType::kFloat32));
  PackedBatch batch;
  batch.Add({1, static_cast<std::int32_t>(spec.vocabulary)}, 1);
  EXPECT_EQ(engine->Gradients(batch, nullptr).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(engine->Objectives(MixedBatch(spec), HeadGates(3), nullptr).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace headscope::worker
