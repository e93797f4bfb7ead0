// Every operation of the fast engine alone, at GPT-2-small's shape and on each table: what a change to one of them
// brings.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <benchmark/benchmark.h>

#include "tests/benchmark/benchmark_model.h"
#include "worker/model/fast/choose_operations.h"
#include "worker/tensor/kernels.h"
#include "worker/tensor/operations.h"
#include "worker/tensor/torch_compat.h"
#include "worker/tensor/torch_runtime.h"

namespace headscope::worker {
namespace {

using benchmark::Counter;

constexpr std::int64_t kTokens = 1024, kWidth = 768, kMlpWidth = 3072, kHeads = 12, kHeadDim = 64;
constexpr std::int64_t kVocabulary = 50257;

struct Table {
  const char* name;
  OperationsChoice choice;
};
const Table kTables[] = {
    {"cpu", {}},
    {"cpu float64", {.float64 = true}},
    {"torch", {.torch_only = true}},
    {"torch float64", {.torch_only = true, .float64 = true}},
};

// One table of operations and what its runs need. New tensors are of its type.
class Bench {
 public:
  Bench(benchmark::State& state, const Table& table) : state_(state), no_graph_(false) {
    SetComputeThreads(BenchmarkThreads());
    at::manual_seed(1);
    operations_ = ChooseOperations(table.choice);
    at::set_default_dtype(at::scalarTypeToTypeMeta(operations_->type()));
  }
  ~Bench() { at::set_default_dtype(at::scalarTypeToTypeMeta(at::kFloat)); }
  Operations& operations() { return *operations_; }

  // Runs `work`; `flops` or `bytes` of one run become rates.
  template <typename Work>
  void Run(const char* unit, double amount, const Work& work) {
    work();
    for (auto _ : state_) work();
    state_.counters[unit] = Counter(amount, Counter::kIsIterationInvariantRate);
  }

 private:
  benchmark::State& state_;
  const GradMode no_graph_;
  std::unique_ptr<Operations> operations_;
};

// y = x W^T or its transposed product, W [out, in].
void Linear(benchmark::State& state, const Table& table, std::int64_t out, std::int64_t in, bool backward,
            at::ScalarType type) {
  Bench bench(state, table);
  const at::Tensor weight = at::randn({out, in}).mul_(0.05).to(type);
  const std::unique_ptr<LinearOperation> linear = bench.operations().PrepareLinear(weight, at::Tensor());
  const at::Tensor x = at::randn({kTokens, in}), y = at::randn({kTokens, out});
  bench.Run("FLOP/s", 2.0 * kTokens * static_cast<double>(out * in), [&] {
    if (backward) {
      linear->BackwardToData(y, x, false);
    } else {
      linear->Forward(x, y, false);
    }
  });
}

void Norm(benchmark::State& state, const Table& table, NormKind kind, bool backward) {
  Bench bench(state, table);
  NormOptions options;
  options.kind = kind;
  const NormWeights weights = {at::randn({kWidth}), kind == NormKind::kLayerNorm ? at::randn({kWidth}) : at::Tensor()};
  const at::Tensor x = at::randn({kTokens, kWidth}), normed = at::empty_like(x), out = at::empty_like(x);
  const at::Tensor scale = at::empty({kTokens});
  bench.operations().Norm(options, weights, x, normed, scale, out);
  bench.Run("elements/s", static_cast<double>(x.numel()), [&] {
    if (backward) {
      bench.operations().NormBackward(options, weights, x, normed, scale, out, false);
    } else {
      bench.operations().Norm(options, weights, x, normed, scale, out);
    }
  });
}

void Activate(benchmark::State& state, const Table& table, ActivationKind kind, bool gated) {
  Bench bench(state, table);
  const at::Tensor values = at::randn({kTokens, kMlpWidth});
  const at::Tensor up = values.clone(), gate = values.clone(), out = at::empty_like(values);
  bench.Run("elements/s", static_cast<double>(values.numel()), [&] {
    if (gated) {
      bench.operations().ActivateGated(kind, gate, up, out);
    } else {
      bench.operations().Activate(kind, up, out);
    }
  });
}

void Elementwise(benchmark::State& state, const Table& table, bool multiply) {
  Bench bench(state, table);
  const at::Tensor a = at::rand({kTokens, kMlpWidth}), b = at::ones_like(a);
  bench.Run("elements/s", static_cast<double>(a.numel()), [&] {
    if (multiply) {
      bench.operations().Multiply(a, b, a);
    } else {
      bench.operations().Add(a, b);
    }
  });
}

void Rotate(benchmark::State& state, const Table& table) {
  Bench bench(state, table);
  const at::Tensor x = at::randn({kTokens, kHeads * kHeadDim}), positions = at::arange(kTokens, at::kLong);
  std::vector<float> frequencies(kHeadDim / 2, 0.01F);
  const RopeTable angles = MakeRopeTable(frequencies, 1.0, kTokens, x);
  bench.Run("elements/s", static_cast<double>(x.numel()),
            [&] { bench.operations().Rotate(angles, positions, kHeadDim, false, x); });
}

// Causal attention over samples of state.range(0) tokens: two products of half a square, five in reverse.
void Attention(benchmark::State& state, const Table& table, bool backward) {
  Bench bench(state, table);
  const std::int64_t length = state.range(0), samples = kTokens / length, tokens = samples * length;
  std::vector<std::int64_t> offsets;
  for (std::int64_t sample = 0; sample <= samples; ++sample) offsets.push_back(sample * length);
  AttentionOptions options;
  options.heads = options.kv_heads = kHeads;
  options.head_dim = kHeadDim;
  options.scale = 0.125;
  const auto draw = [&] { return at::randn({tokens, kHeads * kHeadDim}); };
  const at::Tensor q = draw(), k = draw(), v = draw(), z = draw(), dz = draw(), dq = draw(), dk = draw(), dv = draw();
  const at::Tensor lse = at::empty({kHeads, tokens}), dots = at::empty({kHeads, tokens});
  bench.operations().Attention(options, offsets, q, k, v, z, lse);
  bench.operations().HeadDots(kHeads, z, dz, dots);
  const double product = static_cast<double>(samples * kHeads * length * (length + 1) * kHeadDim);
  bench.Run("FLOP/s", (backward ? 5.0 : 2.0) * product, [&] {
    if (backward) {
      bench.operations().AttentionBackward(options, offsets, q, k, v, lse, dz, dots, dq, dk, dv);
    } else {
      bench.operations().Attention(options, offsets, q, k, v, z, lse);
    }
  });
}

void HeadDots(benchmark::State& state, const Table& table) {
  Bench bench(state, table);
  const at::Tensor z = at::randn({kTokens, kHeads * kHeadDim}), dz = at::randn_like(z);
  const at::Tensor dots = at::empty({kHeads, kTokens});
  bench.Run("elements/s", static_cast<double>(z.numel()), [&] { bench.operations().HeadDots(kHeads, z, dz, dots); });
}

// Losses and their gradient for state.range(0) predicting rows.
void HeadLoss(benchmark::State& state, const Table& table, at::ScalarType type) {
  Bench bench(state, table);
  const std::int64_t rows = state.range(0);
  HeadLossInput input;
  input.weight = at::randn({kVocabulary, kWidth}).mul_(0.05).to(type);
  input.rows = at::randn({rows, kWidth});
  input.seeds.assign(static_cast<std::size_t>(rows), 1.0);
  for (std::int64_t row = 0; row < rows; ++row) input.targets.push_back((row * 7919) % kVocabulary);
  const at::Tensor gradient = at::empty_like(input.rows);
  bench.Run("FLOP/s", 4.0 * static_cast<double>(rows * kVocabulary * kWidth),
            [&] { benchmark::DoNotOptimize(bench.operations().HeadLoss(input, gradient)); });
}

// Registers `function(state, table, arguments...)` for all tables, or those that take weights of bfloat16.
template <typename Function, typename... Arguments>
void Register(const std::string& name, const std::vector<std::int64_t>& ranges, Function function,
              Arguments... arguments) {
  const bool bfloat16 = name.ends_with("bfloat16");
  for (const Table& table : kTables) {
    if (bfloat16 && table.choice.float64) continue;
    auto* registered = benchmark::RegisterBenchmark(
        (name + "/" + table.name).c_str(), [=](benchmark::State& state) { function(state, table, arguments...); });
    registered->Unit(benchmark::kMicrosecond)->UseRealTime();
    for (const std::int64_t range : ranges) registered->Arg(range);
  }
}

void RegisterAll() {
  for (const auto& [name, type] : {std::pair{"float32", at::kFloat}, std::pair{"bfloat16", at::kBFloat16}}) {
    const std::string dtype = name;
    Register("Linear/768x768/" + dtype, {}, Linear, kWidth, kWidth, false, type);
    Register("Linear/3072x768/" + dtype, {}, Linear, kMlpWidth, kWidth, false, type);
    Register("LinearBackward/3072x768/" + dtype, {}, Linear, kMlpWidth, kWidth, true, type);
    Register("HeadLoss/" + dtype, {64, 600}, HeadLoss, type);
  }
  for (const bool backward : {false, true}) {
    const std::string suffix = backward ? "Backward" : "";
    Register("LayerNorm" + suffix, {}, Norm, NormKind::kLayerNorm, backward);
    Register("RmsNorm" + suffix, {}, Norm, NormKind::kRmsNorm, backward);
    Register("Attention" + suffix, {60, 210, 480, 1024}, Attention, backward);
  }
  Register("Activate/gelu-tanh", {}, Activate, ActivationKind::kGeluTanh, false);
  Register("Activate/gelu", {}, Activate, ActivationKind::kGelu, false);
  Register("Activate/silu-gated", {}, Activate, ActivationKind::kSilu, true);
  Register("Multiply", {}, Elementwise, true);
  Register("Add", {}, Elementwise, false);
  Register("Rotate", {}, Rotate);
  Register("HeadDots", {}, HeadDots);
}

}  // namespace
}  // namespace headscope::worker

int main(int argc, char** argv) {
  headscope::worker::RegisterAll();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
