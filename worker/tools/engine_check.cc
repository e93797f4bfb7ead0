// headscope-engine-check: goldens and speed of the engines on any machine with any LibTorch, without the service.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>
#include <random>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "worker/attribution/method.h"
#include "worker/model/engine.h"
#include "worker/model/model.h"
#include "worker/tensor/product_rate.h"
#include "worker/tensor/torch_runtime.h"
#include "worker/tools/engine_check_compare.h"
#include "worker/tools/engine_check_golden.h"
#include "worker/tools/engine_check_model.h"
#include "worker/tools/engine_check_options.h"

namespace headscope::worker {
namespace {

struct LoadedEngine {
  std::shared_ptr<const Model> model;
  std::unique_ptr<Engine> engine;
};

absl::StatusOr<LoadedEngine> LoadEngine(const std::string& directory, EngineKind kind, DType dtype,
                                        const std::string& device) {
  // The paths are the caller's own, so links may lead anywhere.
  absl::StatusOr<std::shared_ptr<const Model>> model =
      LoadCheckedModel(directory, {.dtype = dtype, .device = device, .root = "/"});
  if (!model.ok()) return model.status();
  absl::StatusOr<std::unique_ptr<Engine>> engine = MakeEngine(kind, *model);
  if (!engine.ok()) return engine.status();
  return LoadedEngine{*std::move(model), *std::move(engine)};
}

void PrintRow(const std::string& name, const std::string& engine, DType dtype, const GoldenErrors& errors) {
  const std::string ablation =
      errors.zero_ablation.has_value() ? absl::StrFormat("%.1e", *errors.zero_ablation) : std::string("-");
  // Products of bfloat16 values have an error to know, not a bound to keep.
  const char* verdict = dtype == DType::kBFloat16 ? "measured" : WithinTolerance(errors) ? "PASS" : "FAIL";
  absl::PrintF("%-20s %-10s %-9s %9.1e %9.1e %9.1e %13s  %s\n", name, engine, DTypeName(dtype), errors.signed_scores,
               errors.pattern, errors.objective, ablation, verdict);
}

// The engines and dtypes asked for, as far as they go together.
std::vector<std::pair<EngineKind, DType>> Runs(const EngineCheckOptions& options) {
  std::vector<std::pair<EngineKind, DType>> runs;
  for (const EngineKind kind : options.engines) {
    for (const DType dtype : options.dtypes) {
      if (Computes(kind, dtype)) runs.emplace_back(kind, dtype);
    }
  }
  return runs;
}

// Prints one row. False when it failed or could not be run.
bool CheckCase(const std::string& directory, EngineKind kind, DType dtype, const EngineCheckOptions& options) {
  const auto run = [&]() -> absl::Status {
    const absl::StatusOr<GoldenCase> golden = ReadGoldenCase(directory);
    if (!golden.ok()) return golden.status();
    const absl::StatusOr<LoadedEngine> loaded = LoadEngine(directory, kind, dtype, options.device);
    if (!loaded.ok()) return loaded.status();
    const DecoderSpec& spec = loaded->model->spec();
    const absl::StatusOr<GoldenErrors> errors =
        CompareWithGolden(*golden, spec.layers, spec.heads, options.one_batch, *loaded->engine);
    if (!errors.ok()) return errors.status();
    PrintRow(golden->name, std::string(loaded->engine->name()), dtype, *errors);
    return WithinTolerance(*errors) || dtype == DType::kBFloat16 ? absl::OkStatus() : absl::OutOfRangeError("");
  };
  const absl::Status status = run();
  if (!status.ok() && !absl::IsOutOfRange(status)) {
    std::cout << directory << " " << DTypeName(dtype) << ": " << status.message() << "  FAIL\n";
  }
  return status.ok();
}

bool CheckGoldens(const EngineCheckOptions& options) {
  absl::PrintF("%-20s %-10s %-9s %9s %9s %9s %13s\n", "case", "engine", "dtype", "signed", "pattern", "nll",
               "zero_ablation");
  bool passed = true;
  for (const std::string& directory : options.golden) {
    for (const auto& [kind, dtype] : Runs(options)) passed = CheckCase(directory, kind, dtype, options) && passed;
  }
  std::cout << (passed ? "PASS" : "FAIL") << std::endl;
  return passed;
}

// Batches of made-up samples, the same in every run.
std::vector<PackedBatch> SyntheticBatches(const DecoderSpec& spec, const EngineCheckOptions& options) {
  std::mt19937 random(1);
  std::uniform_int_distribution<std::int32_t> id(0, static_cast<std::int32_t>(spec.vocabulary - 1));
  const std::int64_t length = std::min(options.tokens, spec.positions);
  std::vector<PackedBatch> batches(1);
  for (std::int64_t sample = 0; sample < options.samples; ++sample) {
    if (batches.back().tokens() > 0 && batches.back().tokens() + length > options.batch_tokens) batches.emplace_back();
    std::vector<std::int32_t> ids(length);
    for (std::int32_t& token : ids) token = id(random);
    batches.back().Add(ids, length / 2);
  }
  return batches;
}

absl::Status TimeEngine(EngineKind kind, DType dtype, const EngineCheckOptions& options) {
  const absl::StatusOr<LoadedEngine> loaded = LoadEngine(options.speed, kind, dtype, options.device);
  if (!loaded.ok()) return loaded.status();
  const absl::StatusOr<const Method*> method = FindMethod("gradient");
  if (!method.ok()) return method.status();
  const DecoderSpec& spec = loaded->model->spec();
  const std::vector<PackedBatch> batches = SyntheticBatches(spec, options);
  const auto score = [&](const PackedBatch& batch) {
    return (*method)->Score(*loaded->engine, batch, spec.layers, spec.heads, nullptr).status();
  };
  // Warms up allocators and thread pools.
  absl::Status status = score(batches.front());
  const auto start = std::chrono::steady_clock::now();
  std::int64_t tokens = 0;
  for (const PackedBatch& batch : batches) {
    if (status.ok()) status = score(batch);
    tokens += batch.tokens();
  }
  if (!status.ok()) return status;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  absl::PrintF("%s %s %s: %d tokens in %.2f s, %.1f tokens/s (%s, %d threads, LibTorch %s)\n", options.speed,
               std::string(loaded->engine->name()), DTypeName(dtype), tokens, seconds,
               static_cast<double>(tokens) / seconds, options.device, ComputeThreads(), TorchVersion());
  return absl::OkStatus();
}

bool TimeEngines(const EngineCheckOptions& options) {
  const double gflops = MeasureProductRate();
  absl::PrintF("float32 matrix products on the CPU: %.0f GFLOP/s\n", gflops);
  const std::string hint = SlowProductsHint(gflops);
  if (!hint.empty()) std::cerr << hint << "\n";
  bool passed = true;
  for (const auto& [kind, dtype] : Runs(options)) {
    const absl::Status status = TimeEngine(kind, dtype, options);
    if (!status.ok()) std::cout << options.speed << " " << DTypeName(dtype) << ": " << status.message() << "\n";
    passed = status.ok() && passed;
  }
  return passed;
}

int Main(const std::vector<std::string>& arguments) {
  const absl::StatusOr<EngineCheckOptions> options = ParseEngineCheckOptions(arguments);
  if (!options.ok()) {
    std::cerr << "headscope-engine-check: " << options.status().message() << " (see --help)\n";
    return 2;
  }
  if (options->help) {
    std::cout << EngineCheckUsage();
    return 0;
  }
  if (Runs(*options).empty()) {
    std::cerr << "headscope-engine-check: fast computes in float32 and bfloat16, reference in float32 and float64; "
                 "none of these was asked for (see --help)\n";
    return 2;
  }
  if (options->threads > 0) SetComputeThreads(options->threads);
  bool passed = true;
  if (!options->golden.empty()) passed = CheckGoldens(*options);
  if (!options->speed.empty()) passed = TimeEngines(*options) && passed;
  return passed ? 0 : 1;
}

}  // namespace
}  // namespace headscope::worker

int main(int argc, char** argv) { return headscope::worker::Main(std::vector<std::string>(argv + 1, argv + argc)); }
