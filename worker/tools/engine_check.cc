// headscope-engine-check: goldens and speed of the engines on any machine with any LibTorch, without the service.
#include <cstdio>
#include <iostream>
#include <memory>
#include <utility>

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "worker/model/engine.h"
#include "worker/model/model.h"
#include "worker/tensor/product_rate.h"
#include "worker/tensor/torch_runtime.h"
#include "worker/tools/engine_check_compare.h"
#include "worker/tools/engine_check_golden.h"
#include "worker/tools/engine_check_model.h"
#include "worker/tools/engine_check_options.h"
#include "worker/tools/engine_check_products.h"
#include "worker/tools/engine_check_speed.h"

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

void PrintTiming(const std::string& engine, DType dtype, const EngineTiming& timing,
                 const EngineCheckOptions& options) {
  if (!options.json) {
    absl::PrintF("%s %s %s: %d tokens in %.2f s, %.1f tokens/s (%s, %d threads, LibTorch %s)\n", options.speed, engine,
                 DTypeName(dtype), timing.tokens, timing.seconds, timing.tokens_per_second(), options.device,
                 ComputeThreads(), TorchVersion());
    return;
  }
  nlohmann::json line = {{"kind", "speed"},
                         {"engine", engine},
                         {"dtype", DTypeName(dtype)},
                         {"device", options.device},
                         {"threads", ComputeThreads()},
                         {"torch", TorchVersion()},
                         {"batch_tokens", options.batch_tokens},
                         {"samples", timing.samples},
                         {"tokens", timing.tokens},
                         {"batches", timing.batches},
                         {"seconds", timing.seconds},
                         {"tokens_per_second", timing.tokens_per_second()},
                         {"load_seconds", timing.load_seconds},
                         {"prepare_seconds", timing.prepare_seconds},
                         {"model_bytes", timing.model_bytes},
                         {"engine_bytes", timing.engine_bytes},
                         {"peak_rss_bytes", timing.peak_rss_bytes}};
  if (timing.predicted_bytes > 0) line["predicted_bytes"] = timing.predicted_bytes;
  std::cout << line.dump() << "\n";
}

bool TimeEngines(const EngineCheckOptions& options) {
  const double gflops = MeasureProductRate();
  if (!options.json) absl::PrintF("float32 matrix products on the CPU: %.0f GFLOP/s\n", gflops);
  const std::string hint = SlowProductsHint(gflops);
  if (!hint.empty()) std::cerr << hint << "\n";
  bool passed = true;
  for (const auto& [kind, dtype] : Runs(options)) {
    const absl::StatusOr<EngineTiming> timing = TimeEngine(kind, dtype, options);
    if (timing.ok()) {
      PrintTiming(kind == EngineKind::kFast ? "fast" : "reference", dtype, *timing, options);
    } else {
      std::cerr << options.speed << " " << DTypeName(dtype) << ": " << timing.status().message() << "\n";
    }
    passed = timing.ok() && passed;
  }
  return passed;
}

// One line. False when it could not be measured.
bool PrintProductRates(const DecoderSpec& spec, DType dtype, const EngineCheckOptions& options) {
  constexpr int kRepeats = 7;
  const absl::StatusOr<ProductRates> rates =
      MeasureProductRates(spec, options.batch_tokens, dtype == DType::kBFloat16, options.device, kRepeats);
  if (!rates.ok()) {
    std::cerr << options.products << " " << DTypeName(dtype) << ": " << rates.status().message() << "\n";
    return false;
  }
  if (options.json) {
    const nlohmann::json line = {{"kind", "products"},           {"dtype", DTypeName(dtype)},
                                 {"device", options.device},     {"threads", ComputeThreads()},
                                 {"rows", options.batch_tokens}, {"onednn_gflops", rates->onednn},
                                 {"torch_gflops", rates->torch}, {"best_gflops", rates->best}};
    std::cout << line.dump() << "\n";
  } else {
    absl::PrintF("%s %s products of %d rows: %.1f GFLOP/s (oneDNN, packed %.1f; LibTorch %.1f; %s, %d threads)\n",
                 options.products, DTypeName(dtype), options.batch_tokens, rates->best, rates->onednn, rates->torch,
                 options.device, ComputeThreads());
  }
  return true;
}

bool TimeProducts(const EngineCheckOptions& options) {
  const absl::StatusOr<ModelDescription> description = DescribeModel(options.products, "/");
  if (!description.ok()) {
    std::cerr << options.products << ": " << description.status().message() << "\n";
    return false;
  }
  bool passed = true;
  for (const DType dtype : options.dtypes) {
    // Nobody's peak.
    if (dtype == DType::kFloat64) continue;
    passed = PrintProductRates(description->spec, dtype, options) && passed;
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
  if (!options->products.empty()) passed = TimeProducts(*options) && passed;
  return passed ? 0 : 1;
}

}  // namespace
}  // namespace headscope::worker

int main(int argc, char** argv) { return headscope::worker::Main(std::vector<std::string>(argv + 1, argv + argc)); }
