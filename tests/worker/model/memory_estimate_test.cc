#include "worker/model/fast/memory_estimate.h"

#include <algorithm>

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
  const auto operations = ChooseOperations(at::kCPU, false, true);
  for (const DType dtype : {DType::kFloat32, DType::kBFloat16}) {
    const auto model = RandomModel(spec, dtype);
    for (const std::int64_t budget : {std::int64_t{1} << 30, 2 * TapeBytes(spec, batch.tokens()), std::int64_t{1}}) {
      const FastEngineOptions options = {.activation_bytes = budget};
      auto engine = FastEngine::Create(model, options);
      ASSERT_TRUE(engine.ok()) << engine.status();
      ASSERT_TRUE((*engine)->Gradients(batch, nullptr).ok());
      ModelDescription description;
      description.spec = spec;
      const FastMemory memory = EstimateFastMemory(description, dtype, ShapeOf(batch), *operations, options);
      const auto held = static_cast<double>((*engine)->held_bytes());
      EXPECT_NEAR(static_cast<double>(memory.buffers + memory.packed) / held, 1.0, 0.02)
          << DTypeName(dtype) << ", budget " << budget << ": estimated " << memory.buffers << " + " << memory.packed;
    }
  }
}

TEST_P(MemoryEstimateTest, IsLinearInTokens) {
  const DecoderSpec& spec = GetParam().spec;
  ModelDescription description;
  description.spec = spec;
  const auto operations = ChooseOperations(at::kCPU, false, true);
  const auto buffers = [&](std::int64_t tokens) {
    const BatchShape shape = {.samples = 1, .tokens = tokens, .response_tokens = tokens / 2, .longest = tokens};
    return EstimateFastMemory(description, DType::kFloat32, shape, *operations).buffers;
  };
  EXPECT_NEAR(static_cast<double>(buffers(2000)) / static_cast<double>(buffers(1000)), 2.0, 0.01);
  EXPECT_LE(buffers(1000) / 1000, FastBytesPerToken(spec) * 11 / 10);
}

INSTANTIATE_TEST_SUITE_P(Specs, MemoryEstimateTest, ::testing::ValuesIn(EverySpec()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace headscope::worker
