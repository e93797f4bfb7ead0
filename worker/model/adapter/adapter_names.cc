#include "worker/model/adapter/adapter_names.h"

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace headscope::worker {
namespace {

constexpr char kPrefix[] = "base_model.model.";

absl::Status Refuse(const std::string& name, const std::string& why) {
  return absl::FailedPreconditionError(absl::StrCat("tensor \"", name, "\" ", why));
}

// What is not supported is told apart by its tensors too, whatever the configuration says.
absl::Status RefuseByFragment(const std::string& name) {
  if (absl::StrContains(name, "lora_embedding_")) {
    return Refuse(name,
                  "is a low-rank term of an embedding, which is not supported; train the embedding with "
                  "modules_to_save, or merge the adapter");
  }
  if (absl::StrContains(name, "lora_magnitude_vector")) return Refuse(name, "belongs to DoRA, which is not supported");
  return Refuse(name, absl::StrCat("is not one of a LoRA adapter: expected are \"", kPrefix,
                                   "<module>.lora_A.weight\", lora_B, and weights and biases of whole modules"));
}

}  // namespace

absl::StatusOr<AdapterName> ParseAdapterName(const std::string& name) {
  if (!absl::StartsWith(name, kPrefix)) return RefuseByFragment(name);
  std::vector<std::string> path = absl::StrSplit(name.substr(sizeof(kPrefix) - 1), '.');
  const std::string last = path.back();
  if (last != "weight" && last != "bias") return RefuseByFragment(name);
  path.pop_back();
  AdapterName parsed;
  parsed.part = last == "weight" ? AdapterPart::kWeight : AdapterPart::kBias;
  std::vector<std::string> module;
  for (const std::string& step : path) {
    if (step == "default" || step == "base_layer" || step == "modules_to_save") continue;
    if (step == "lora_A" || step == "lora_B") {
      if (parsed.part != AdapterPart::kWeight) return Refuse(name, "is a bias of a low-rank term: not supported");
      parsed.part = step == "lora_A" ? AdapterPart::kDown : AdapterPart::kUp;
      continue;
    }
    if (absl::StartsWith(step, "lora_")) return RefuseByFragment(name);
    module.push_back(step);
  }
  if (module.empty()) return RefuseByFragment(name);
  parsed.module = absl::StrJoin(module, ".");
  return parsed;
}

}  // namespace headscope::worker
