// Throughput of the engine by phase: forward alone, forward and backward, the vocabulary head, attention.
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include <ATen/ATen.h>
#include <benchmark/benchmark.h>

#include "tests/benchmark/benchmark_model.h"
#include "worker/model/engine.h"
#include "worker/model/objective.h"
#include "worker/model/padded_batch.h"
#include "worker/tensor/kernels.h"
#include "worker/tensor/torch_compat.h"
#include "worker/tensor/torch_runtime.h"

namespace headscope::worker {
namespace {

using benchmark::Counter;

// Tokens of a batch, whatever the samples' length.
constexpr std::int64_t kBatchTokens = 1024;

bool Never() { return false; }

// A batch of kBatchTokens in samples of state.range(0) tokens.
PackedBatch BatchFor(const benchmark::State& state, const Model& model) {
  return RandomBatch(model, kBatchTokens / state.range(0), state.range(0));
}

void ReportTokens(benchmark::State& state, std::int64_t tokens) {
  state.counters["tokens/s"] = Counter(static_cast<double>(tokens), Counter::kIsIterationInvariantRate);
}

std::unique_ptr<Engine> EngineFor(EngineKind kind, const std::shared_ptr<const Model>& model) {
  SetComputeThreads(BenchmarkThreads());
  return std::move(MakeEngine(kind, model)).value();
}

void Forward(benchmark::State& state, EngineKind kind) {
  const std::shared_ptr<const Model> model = BenchmarkModel();
  const std::unique_ptr<Engine> engine = EngineFor(kind, model);
  const PackedBatch batch = BatchFor(state, *model);
  for (auto _ : state) benchmark::DoNotOptimize(engine->Objectives(batch, {}, Never).value());
  ReportTokens(state, batch.tokens());
}

void ForwardAndBackward(benchmark::State& state, EngineKind kind) {
  const std::shared_ptr<const Model> model = BenchmarkModel();
  const std::unique_ptr<Engine> engine = EngineFor(kind, model);
  const PackedBatch batch = BatchFor(state, *model);
  for (auto _ : state) benchmark::DoNotOptimize(engine->Gradients(batch, Never).value());
  ReportTokens(state, batch.tokens());
}

// The vocabulary head and the objective with its gradient at the hidden states.
void Head(benchmark::State& state) {
  const std::shared_ptr<const Model> model = BenchmarkModel();
  SetComputeThreads(BenchmarkThreads());
  const PaddedBatch batch = PadBatch(BatchFor(state, *model));
  const auto predictions = static_cast<std::int64_t>(batch.predictions.size());
  const GradMode no_graph(false);
  const at::Tensor rows = at::randn({predictions, model->spec().width});
  for (auto _ : state) {
    benchmark::DoNotOptimize(ComputeObjective(model->spec(), model->weights(), batch, rows, true).objective);
  }
  ReportTokens(state, predictions);
}

// One layer's attention at GPT-2-small's shape. Causal FLOPs: two products of half a square, twice as many in reverse.
void Attention(benchmark::State& state) {
  constexpr std::int64_t kHeads = 12;
  constexpr std::int64_t kHeadDim = 64;
  SetComputeThreads(BenchmarkThreads());
  const bool backward = state.range(1) != 0;
  const GradMode graph(backward);
  const std::int64_t length = state.range(0);
  const std::int64_t samples = kBatchTokens / length;
  const auto make = [&] { return at::randn({samples, kHeads, length, kHeadDim}).requires_grad_(backward); };
  const at::Tensor query = make(), key = make(), value = make();
  const at::Tensor hidden = HiddenKeys(length, std::nullopt, at::kCPU);
  for (auto _ : state) {
    const at::Tensor z = Attend(query, key, value, hidden, 0.125, std::nullopt);
    if (backward) benchmark::DoNotOptimize(Gradients({z}, {query, key, value}, {z.detach()}));
  }
  const double products = backward ? 6.0 : 2.0;
  const double flops = products * static_cast<double>(samples * kHeads * length * (length + 1) * kHeadDim);
  state.counters["FLOP/s"] = Counter(flops, Counter::kIsIterationInvariantRate);
}

void Lengths(benchmark::internal::Benchmark* benchmark) {
  benchmark->Arg(64)->Arg(204)->Arg(512)->Unit(benchmark::kMillisecond)->UseRealTime();
}

BENCHMARK_CAPTURE(Forward, fast, EngineKind::kFast)->Apply(Lengths);
BENCHMARK_CAPTURE(Forward, reference, EngineKind::kReference)->Apply(Lengths);
BENCHMARK_CAPTURE(ForwardAndBackward, fast, EngineKind::kFast)->Apply(Lengths);
BENCHMARK_CAPTURE(ForwardAndBackward, reference, EngineKind::kReference)->Apply(Lengths);
BENCHMARK(Head)->Arg(204)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(Attention)->ArgNames({"length", "backward"})->ArgsProduct({{60, 210, 480}, {0, 1}})->UseRealTime();

}  // namespace
}  // namespace headscope::worker

BENCHMARK_MAIN();
