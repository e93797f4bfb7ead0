// The model that the engine's benchmarks run.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "worker/model/model.h"
#include "worker/model/packed_batch.h"

namespace headscope::worker {

// The directory named by HEADSCOPE_BENCHMARK_MODEL, or a GPT-2-small shape with random weights that is written to a
// temporary directory and removed once it is loaded. Loaded once, in float32. Ends the program if that fails.
std::shared_ptr<const Model> BenchmarkModel();

// `samples` samples of `length` random tokens of `model`'s vocabulary, the first half of each prompt.
PackedBatch RandomBatch(const Model& model, std::int64_t samples, std::int64_t length);

// Compute threads: HEADSCOPE_BENCHMARK_THREADS, or one per core.
int BenchmarkThreads();

}  // namespace headscope::worker
