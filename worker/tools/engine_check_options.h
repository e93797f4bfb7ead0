// The command line of headscope-engine-check.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/model/engine.h"
#include "worker/model/model.h"

namespace headscope::worker {

struct EngineCheckOptions {
  bool help = false;
  // Directories of golden cases.
  std::vector<std::string> golden;
  // Model directory to time; empty: none.
  std::string speed;
  std::vector<EngineKind> engines = {EngineKind::kFast, EngineKind::kReference};
  std::vector<DType> dtypes = {DType::kFloat64, DType::kFloat32};
  std::string device = "cpu";
  // 0: LibTorch's own default.
  int threads = 0;
  bool one_batch = true;
  // Of a timed run: samples, tokens of each (half of them prompt) and tokens a batch.
  std::int64_t samples = 16;
  std::int64_t tokens = 128;
  std::int64_t batch_tokens = 1024;
};

// Text for --help.
std::string EngineCheckUsage();

// Errors: INVALID_ARGUMENT naming the argument.
absl::StatusOr<EngineCheckOptions> ParseEngineCheckOptions(const std::vector<std::string>& arguments);

}  // namespace headscope::worker
