#include "worker/model/fast/memory_estimate.h"

#include <algorithm>
#include <utility>

#include <gtest/gtest.h>

#include "tests/worker/support/engine_fixture.h"
#include "tests/worker/support/random_decoder.h"
#include "worker/model/fast/choose_operations.h"
#include "worker/model/fast/tape.h"

namespace headscope::worker {
namespace {

PackedBatch Batch(const DecoderSpec& spec) {
  PackedBatch batch;
  batch.Add(MadeUpIds(40, spec.vocabulary, 1), 11);
  batch.Add(MadeUpIds(100, spec.vocabulary, 2), 80);
  return batch;
}

BatchShape ShapeOf(const PackedBatch& batch) {
  BatchShape shape;
  shape.samples = batch.size();
  shape.tokens = batch.tokens();
  for (std::int64_t sample = 0; sample < batch.size(); ++sample) {
    shape.response_tokens += batch.ResponseTokens(sample);
    shape.longest = std::max(shape.longest, batch.Length(sample));
  }
  return shape;
}

class MemoryEstimateTest : public ::testing::TestWithParam<NamedSpec> {};

// A buffer that the estimate does not know of, or one that is gone, shows.
TEST_P(MemoryEstimateTest, IsWhatTheEngineHolds) {
  const DecoderSpec& spec = GetParam().spec;
  const PackedBatch batch = Batch(spec);
  const std::int64_t small = FastEngineOptions().float64_parameters;
  for (const auto& [dtype, float64_parameters] :
       {std::pair(DType::kFloat32, small), {DType::kFloat32, std::int64_t{-1}}, {DType::kBFloat16, small}}) {
    const auto model = RandomModel(spec, dtype);
    const std::int64_t two_tapes = 2 * TapeBytes(spec, batch.tokens(), at::kFloat);
    for (const std::int64_t budget : {std::int64_t{1} << 30, two_tapes, std::int64_t{1}}) {
      const FastEngineOptions options = {.activation_bytes = budget, .float64_parameters = float64_parameters};
      const auto operations = ChooseOperations(ChoiceFor(*model, options));
      auto engine = FastEngine::Create(model, options);
      ASSERT_TRUE(engine.ok()) << engine.status();
      ASSERT_TRUE((*engine)->Gradients(batch, nullptr).ok());
      ModelDescription description;
      description.spec = spec;
      const FastMemory memory = EstimateFastMemory(description, dtype, ShapeOf(batch), *operations, options);
      const auto held = static_cast<double>((*engine)->held_bytes());
      EXPECT_NEAR(static_cast<double>(memory.buffers + memory.packed) / held, 1.0, 0.02)
          << DTypeName(dtype) << " as " << operations->type() << ", budget " << budget << ": estimated "
          << memory.buffers << " + " << memory.packed;
    }
  }
}

TEST_P(MemoryEstimateTest, IsLinearInTokens) {
  const DecoderSpec& spec = GetParam().spec;
  ModelDescription description;
  description.spec = spec;
  const auto operations = ChooseOperations({});
  const auto buffers = [&](std::int64_t tokens) {
    const BatchShape shape = {.samples = 1, .tokens = tokens, .response_tokens = tokens / 2, .longest = tokens};
    return EstimateFastMemory(description, DType::kFloat32, shape, *operations).buffers;
  };
  EXPECT_NEAR(static_cast<double>(buffers(2000)) / static_cast<double>(buffers(1000)), 2.0, 0.01);
  EXPECT_EQ(FastBytesPerToken(spec, /*float64=*/true), 2 * FastBytesPerToken(spec, /*float64=*/false));
  EXPECT_LE(buffers(1000) / 1000, FastBytesPerToken(spec, /*float64=*/false) * 11 / 10);
}

INSTANTIATE_TEST_SUITE_P(Specs, MemoryEstimateTest, ::testing::ValuesIn(EverySpec()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace headscope::worker
