// What the names in an adapter's file say.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace headscope::worker {

enum class AdapterPart { kDown, kUp, kWeight, kBias };

// One name taken apart.
struct AdapterName {
  // Path of the module in the base model.
  std::string module;
  AdapterPart part = AdapterPart::kWeight;
};

// "base_model.model.<module>.lora_A.weight", lora_B alike; "....weight" or "....bias" of a module that the adapter
// holds whole. peft's wrappers (base_layer, modules_to_save) and the adapter's name "default" may stand in the path.
// FAILED_PRECONDITION for any other name, saying what it belongs to where that is known.
absl::StatusOr<AdapterName> ParseAdapterName(const std::string& name);

}  // namespace headscope::worker
