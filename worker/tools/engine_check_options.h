// The command line of headscope-engine-check.
#pragma once

#include <cstdint>
#include <optional>
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
  // Model directory whose matrix products are timed by themselves; empty: none.
  std::string products;
  // JSON Lines of token ids for a timed run; empty: made-up samples.
  std::string data;
  // Print what was timed as JSON, one object a line.
  bool json = false;
  std::vector<EngineKind> engines = {EngineKind::kFast, EngineKind::kReference};
  std::vector<DType> dtypes = {DType::kFloat64, DType::kFloat32};
  std::string device = "cpu";
  // 0: LibTorch's own default.
  int threads = 0;
  bool one_batch = true;
  // Of a timed run: samples (16 made-up ones, or all of `data`), tokens of each made-up one (half of them prompt),
  // tokens a batch, and how often the samples are run: the fastest counts.
  std::optional<std::int64_t> samples;
  std::int64_t tokens = 128;
  std::int64_t batch_tokens = 1024;
  std::int64_t repeats = 1;
};

// Text for --help.
std::string EngineCheckUsage();

// Errors: INVALID_ARGUMENT naming the argument.
absl::StatusOr<EngineCheckOptions> ParseEngineCheckOptions(const std::vector<std::string>& arguments);

}  // namespace headscope::worker
