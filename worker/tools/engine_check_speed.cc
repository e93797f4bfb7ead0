#include "worker/tools/engine_check_speed.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>
#include <random>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "worker/attribution/method.h"
#include "worker/model/fast/choose_operations.h"
#include "worker/model/fast/memory_estimate.h"
#include "worker/tools/engine_check_golden.h"

namespace headscope::worker {
namespace {

constexpr std::int64_t kMadeUpSamples = 16;

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::vector<GoldenSample> MadeUpSamples(const DecoderSpec& spec, const EngineCheckOptions& options) {
  std::mt19937 random(1);
  std::uniform_int_distribution<std::int32_t> id(0, static_cast<std::int32_t>(spec.vocabulary - 1));
  std::vector<GoldenSample> samples(static_cast<std::size_t>(options.samples.value_or(kMadeUpSamples)));
  for (GoldenSample& sample : samples) {
    sample.token_ids.resize(static_cast<std::size_t>(std::min(options.tokens, spec.positions)));
    for (std::int32_t& token : sample.token_ids) token = id(random);
    sample.prompt_tokens = static_cast<std::int64_t>(sample.token_ids.size()) / 2;
  }
  return samples;
}

absl::StatusOr<std::vector<GoldenSample>> SamplesToTime(const DecoderSpec& spec, const EngineCheckOptions& options) {
  if (options.data.empty()) return MadeUpSamples(spec, options);
  absl::StatusOr<std::vector<GoldenSample>> samples = ReadTokenRows(options.data);
  if (!samples.ok()) return samples;
  if (options.samples.has_value() && *options.samples < static_cast<std::int64_t>(samples->size())) {
    samples->resize(static_cast<std::size_t>(*options.samples));
  }
  if (samples->empty()) return absl::InvalidArgumentError(absl::StrCat(options.data, ": no samples"));
  return samples;
}

std::int64_t PeakResidentBytes() {
  struct rusage usage = {};
  return ::getrusage(RUSAGE_SELF, &usage) == 0 ? std::int64_t{usage.ru_maxrss} * 1024 : 0;
}

// In memory now: the second field of /proc/self/statm, in pages.
std::int64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
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

// The most that any batch is to take, model and engine included.
std::int64_t PredictedBytes(const Model& model, const std::vector<PackedBatch>& batches) {
  const std::unique_ptr<Operations> operations = ChooseOperations(ChoiceFor(model));
  std::int64_t most = 0;
  for (const PackedBatch& batch : batches) {
    const FastMemory memory =
        EstimateFastMemory(model.description(), model.options().dtype, ShapeOf(batch), *operations);
    most = std::max(most, memory.total());
  }
  return most;
}

// One run over all batches in seconds.
absl::StatusOr<double> RunOnce(const Method& method, Engine& engine, const DecoderSpec& spec,
                               const std::vector<PackedBatch>& batches) {
  const auto start = std::chrono::steady_clock::now();
  for (const PackedBatch& batch : batches) {
    const absl::Status status = method.Score(engine, batch, spec.layers, spec.heads, nullptr).status();
    if (!status.ok()) return status;
  }
  return SecondsSince(start);
}

}  // namespace

absl::StatusOr<std::vector<PackedBatch>> BatchesToTime(const DecoderSpec& spec, const EngineCheckOptions& options) {
  absl::StatusOr<std::vector<GoldenSample>> samples = SamplesToTime(spec, options);
  if (!samples.ok()) return samples.status();
  std::stable_sort(samples->begin(), samples->end(), [](const GoldenSample& left, const GoldenSample& right) {
    return left.token_ids.size() > right.token_ids.size();
  });
  std::vector<PackedBatch> batches(1);
  for (const GoldenSample& sample : *samples) {
    const auto length = static_cast<std::int64_t>(sample.token_ids.size());
    if (batches.back().tokens() > 0 && batches.back().tokens() + length > options.batch_tokens) batches.emplace_back();
    batches.back().Add(sample.token_ids, sample.prompt_tokens);
  }
  return batches;
}

absl::StatusOr<EngineTiming> TimeEngine(EngineKind kind, DType dtype, const EngineCheckOptions& options) {
  const absl::StatusOr<const Method*> method = FindMethod("gradient");
  if (!method.ok()) return method.status();
  EngineTiming timing;
  const std::int64_t before = ResidentBytes();
  auto start = std::chrono::steady_clock::now();
  // The paths are the caller's own, so links may lead anywhere.
  absl::StatusOr<std::shared_ptr<const Model>> model =
      Model::Load(options.speed, {.dtype = dtype, .device = options.device, .root = "/"});
  if (!model.ok()) return model.status();
  timing.load_seconds = SecondsSince(start);
  start = std::chrono::steady_clock::now();
  const absl::StatusOr<std::unique_ptr<Engine>> engine = MakeEngine(kind, *model);
  if (!engine.ok()) return engine.status();
  timing.prepare_seconds = SecondsSince(start);
  const DecoderSpec& spec = (*model)->spec();
  const absl::StatusOr<std::vector<PackedBatch>> batches = BatchesToTime(spec, options);
  if (!batches.ok()) return batches.status();
  // Warms up allocators and thread pools; the longest samples come first.
  absl::StatusOr<double> seconds = RunOnce(**method, **engine, spec, {batches->front()});
  for (std::int64_t repeat = 0; repeat < options.repeats && seconds.ok(); ++repeat) {
    seconds = RunOnce(**method, **engine, spec, *batches);
    if (seconds.ok()) timing.seconds = repeat == 0 ? *seconds : std::min(timing.seconds, *seconds);
  }
  if (!seconds.ok()) return seconds.status();
  for (const PackedBatch& batch : *batches) {
    timing.samples += batch.size();
    timing.tokens += batch.tokens();
  }
  timing.batches = static_cast<std::int64_t>(batches->size());
  timing.model_bytes = (*model)->resident_bytes();
  timing.engine_bytes = (*engine)->held_bytes();
  timing.peak_rss_bytes = PeakResidentBytes();
  if (kind == EngineKind::kFast && options.device == "cpu") {
    timing.predicted_bytes = before + PredictedBytes(**model, *batches);
  }
  return timing;
}

}  // namespace headscope::worker
