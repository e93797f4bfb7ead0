// How fast an engine is, and what it takes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/model/engine.h"
#include "worker/model/model.h"
#include "worker/tools/engine_check_options.h"

namespace headscope::worker {

struct EngineTiming {
  std::int64_t samples = 0;
  std::int64_t tokens = 0;
  std::int64_t batches = 0;
  // Of the fastest run over all samples.
  double seconds = 0;
  // Until the model is in memory, and until the engine has prepared itself.
  double load_seconds = 0;
  double prepare_seconds = 0;
  // Held by the model, and by the engine beyond it after the run.
  std::int64_t model_bytes = 0;
  std::int64_t engine_bytes = 0;
  // High-water mark of the process so far, and what it was to be: what the process took before the model, and
  // EstimateFastMemory. 0 where no estimate is made (the reference engine, other devices).
  std::int64_t peak_rss_bytes = 0;
  std::int64_t predicted_bytes = 0;

  double tokens_per_second() const { return static_cast<double>(tokens) / seconds; }
};

// The samples of `options` in batches of neighbouring lengths of at most options.batch_tokens; the same in every run.
absl::StatusOr<std::vector<PackedBatch>> BatchesToTime(const DecoderSpec& spec, const EngineCheckOptions& options);

// Loads options.speed and runs the gradient method.
absl::StatusOr<EngineTiming> TimeEngine(EngineKind kind, DType dtype, const EngineCheckOptions& options);

}  // namespace headscope::worker
