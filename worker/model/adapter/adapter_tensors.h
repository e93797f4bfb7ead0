// Every tensor of an adapter's file has its place beside or instead of one of the base model's, and none is missing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/model/adapter/adapter_config.h"
#include "worker/model/architecture.h"
#include "worker/model/safetensors_header.h"

namespace headscope::worker {

// A low-rank term: which weight of the base it stands beside, and its two factors.
struct AdapterTerm {
  // The module's path in the base model.
  std::string module;
  // Of Architecture::tensors: the module's weight.
  const FileTensor* weight = nullptr;
  const StoredTensor* down = nullptr;  // [rank, in]
  const StoredTensor* up = nullptr;    // [out, rank]
  double scale = 1.0;
};

// A tensor that takes the place of one of the base's.
struct AdapterReplacement {
  const FileTensor* tensor = nullptr;
  const StoredTensor* stored = nullptr;
};

struct AdapterAccount {
  std::vector<AdapterTerm> terms;
  std::vector<AdapterReplacement> replacements;
};

// Points into `base` and `stored`. Errors: FAILED_PRECONDITION naming the tensor or the module: of no module of the
// base, of one that cannot have it, without its other half, of another shape or dtype than rank and base say, twice in
// two spellings, or missing although the configuration names its module.
absl::StatusOr<AdapterAccount> AccountForAdapter(const AdapterConfig& config, const Architecture& base,
                                                 const SafetensorsHeader& stored);

}  // namespace headscope::worker
