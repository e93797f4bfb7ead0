#include "worker/model/families/registry.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "worker/model/config_reader.h"
#include "worker/model/families/family.h"
#include "worker/model/json_strict.h"

namespace headscope::worker {
namespace {

constexpr char kConfigFile[] = "config.json";
constexpr int kConfigDepth = 16;

struct FamilyEntry {
  std::string_view model_type;
  FamilyFunction make;
};

// Every supported family. Adding one: its file, its declaration in family.h, its line here.
constexpr std::array<FamilyEntry, 3> kFamilies = {{
    {"gemma2", MakeGemma2},
    {"gpt2", MakeGpt2},
    {"llama", MakeLlama},
}};

// Families whose positions are linear biases on the scores.
constexpr std::array<std::string_view, 3> kAlibiFamilies = {"bloom", "mpt", "jais"};

// Keys by which mixtures of experts are known.
constexpr std::array<const char*, 5> kExpertKeys = {"num_local_experts", "num_experts", "n_routed_experts",
                                                    "moe_intermediate_size", "num_experts_per_tok"};

// Notes what no family supports, whatever the model type.
void RefuseUnsupported(ConfigReader& config, const std::string& model_type) {
  if (config.HasValue("quantization_config")) {
    const nlohmann::json& quantization = config.raw()["quantization_config"];
    const std::string method =
        quantization.is_object() ? quantization.value("quant_method", nlohmann::json()).dump() : "";
    config.Unsupported(absl::StrCat("quantization_config ", method,
                                    ": quantised weights are not supported; use the model's original weights"));
  }
  for (const char* key : kExpertKeys) {
    if (!config.HasValue(key) || config.raw()[key] == 0) continue;
    config.Unsupported(absl::StrCat(key, ": mixtures of experts are not supported (model_type \"", model_type, "\")"));
    break;
  }
  const bool alibi_flag = config.HasValue("alibi") && config.raw()["alibi"] != false;
  if (alibi_flag || std::count(kAlibiFamilies.begin(), kAlibiFamilies.end(), model_type) > 0 ||
      config.Text("position_embedding_type", "") == "alibi") {
    config.Unsupported(absl::StrCat("ALiBi positions are not supported (model_type \"", model_type, "\")"));
  }
  if (config.HasValue("use_bidirectional_attention") && config.raw()["use_bidirectional_attention"] != false) {
    config.Unsupported("use_bidirectional_attention: only attention to earlier tokens is supported");
  }
}

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
