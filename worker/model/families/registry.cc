#include "worker/model/families/registry.h"

#include <array>
#include <string_view>

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "worker/model/config_reader.h"
#include "worker/model/families/family.h"
#include "worker/model/families/refusals.h"
#include "worker/model/json_strict.h"
#include "worker/model/rope.h"

namespace headscope::worker {
namespace {

constexpr char kConfigFile[] = "config.json";
constexpr int kConfigDepth = 16;

struct FamilyEntry {
  std::string_view model_type;
  FamilyFunction make;
};

// Every supported family. Adding one: its file, its declaration in family.h, its line here.
constexpr std::array<FamilyEntry, 13> kFamilies = {{
    {"gemma", MakeGemma},
    {"gemma2", MakeGemma2},
    {"gemma3", MakeGemma3},
    {"gemma3_text", MakeGemma3Text},
    {"gpt2", MakeGpt2},
    {"gpt_neox", MakeGptNeox},
    {"llama", MakeLlama},
    {"mistral", MakeMistral},
    {"opt", MakeOpt},
    {"phi", MakePhi},
    {"phi3", MakePhi3},
    {"qwen2", MakeQwen2},
    {"qwen3", MakeQwen3},
}};

FamilyFunction FindFamily(const std::string& model_type) {
  for (const FamilyEntry& entry : kFamilies) {
    if (entry.model_type == model_type) return entry.make;
  }
  return nullptr;
}

std::string ModelType(ConfigReader& config) {
  const std::string model_type = config.Text("model_type", "");
  if (model_type.empty() && config.status().ok()) config.Invalid("model_type is missing");
  return model_type;
}

}  // namespace

absl::StatusOr<Architecture> MakeArchitecture(const std::string& config_json) {
  const absl::StatusOr<nlohmann::json> json = ParseStrictJson(config_json, kConfigFile, kConfigDepth);
  if (!json.ok()) return json.status();
  if (!json->is_object()) return absl::InvalidArgumentError("config.json: must be an object");
  ConfigReader config(*json, kConfigFile);
  const std::string model_type = ModelType(config);
  RefuseUnsupported(config, model_type);
  if (!config.status().ok()) return config.status();
  const FamilyFunction make = FindFamily(model_type);
  if (make == nullptr) {
    config.Unsupported(absl::StrCat("model_type \"", model_type.substr(0, 80),
                                    "\" is not supported; supported: ", absl::StrJoin(FamilyNames(), ", ")));
    return config.status();
  }
  Architecture architecture = make(config);
  if (config.status().ok()) RefuseLeftOut(config, architecture.spec);
  if (config.status().ok()) RefuseEndlessAngles(config, architecture.spec);
  if (!config.status().ok()) return config.status();
  const absl::Status status = CheckArchitecture(architecture);
  if (!status.ok()) return status;
  return architecture;
}

std::vector<std::string> FamilyNames() {
  std::vector<std::string> names;
  for (const FamilyEntry& entry : kFamilies) names.emplace_back(entry.model_type);
  return names;
}

}  // namespace headscope::worker
