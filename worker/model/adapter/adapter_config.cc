#include "worker/model/adapter/adapter_config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <regex>
#include <set>
#include <string_view>

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "worker/model/config_reader.h"
#include "worker/model/json_strict.h"

namespace headscope::worker {
namespace {

using nlohmann::json;

constexpr int kConfigDepth = 16;
constexpr std::int64_t kLargestRank = 1 << 16;
constexpr std::size_t kMaxPatterns = 4096;
// Patterns that are more than a path. Each entry of a list is tried on every module.
constexpr std::size_t kMaxExpressions = 32;
constexpr std::size_t kMaxPatternBytes = 512;

// Keys that change what is computed, and that no supported adapter sets.
constexpr std::array<std::pair<const char*, const char*>, 11> kRefused = {{
    {"use_dora", "weight-decomposed adapters (DoRA)"},
    {"use_qalora", "adapters of quantised inputs (QA-LoRA)"},
    {"use_bdlora", "block-diagonal adapters"},
    {"lora_bias", "a bias of the low-rank term"},
    {"layer_replication", "repeated layers"},
    {"target_parameters", "adapters of bare parameters"},
    {"trainable_token_indices", "trained rows of the embedding"},
    {"alora_invocation_tokens", "adapters that begin at a token (activated LoRA)"},
    {"megatron_config", "Megatron's parallel layers"},
    {"arrow_config", "adapters that are routed"},
    {"monteclora_config", "sampled adapters"},
}};

// Keys that change nothing here: how it was trained, or read elsewhere in this file.
constexpr std::array<const char*, 27> kKnown = {"alpha_pattern",
                                                "auto_mapping",
                                                "base_model_name_or_path",
                                                "bias",
                                                "corda_config",
                                                "ensure_weight_tying",
                                                "eva_config",
                                                "exclude_modules",
                                                "fan_in_fan_out",
                                                "inference_mode",
                                                "init_lora_weights",
                                                "layers_pattern",
                                                "layers_to_transform",
                                                "loftq_config",
                                                "lora_alpha",
                                                "lora_dropout",
                                                "megatron_core",
                                                "modules_to_save",
                                                "peft_type",
                                                "peft_version",
                                                "qalora_group_size",
                                                "r",
                                                "rank_pattern",
                                                "revision",
                                                "runtime_config",
                                                "target_modules",
                                                "task_type"};

// Ways to draw the first values that leave the base model as it is; the others train on a changed one.
constexpr std::array<const char*, 4> kPlainStarts = {"gaussian", "orthogonal", "eva", "true"};

bool IsSet(const json& value) {
  return !value.is_null() && value != json(false) && !((value.is_array() || value.is_object()) && value.empty());
}

bool IsPositive(const json& value) {
  return value.is_number() && value.get<double>() > 0 && value.get<double>() <= std::numeric_limits<float>::max();
}

bool IsPath(const std::string& pattern) {
  return std::all_of(pattern.begin(), pattern.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.'; });
}

// The expression behind any path, by an executor whose time is bounded. Throws std::regex_error.
std::regex Expression(const std::string& pattern) {
  return std::regex(absl::StrCat("(?:.*\\.)?(?:", pattern, ")"),
                    std::regex_constants::ECMAScript | std::regex_constants::__polynomial);
}

// One reading of an adapter_config.json. Faults are noted in the reader.
class Reading {
 public:
  explicit Reading(ConfigReader& reader) : reader_(reader), file_(reader.raw()) {}

  AdapterConfig Run() {
    AdapterConfig config;
    RefuseOthers(config.notes);
    config.base = reader_.Text("base_model_name_or_path", "");
    if (config.base.empty()) reader_.Invalid("base_model_name_or_path must name the base model");
    config.rank = reader_.Size("r", kLargestRank, 8);
    config.alpha = reader_.Positive("lora_alpha", 8.0);
    config.rank_stabilised = Flag("use_rslora");
    // Whether the base stores [in, out]: its family knows.
    Flag("fan_in_fan_out");
    config.rank_pattern = Patterns("rank_pattern");
    for (const auto& [name, rank] : config.rank_pattern) {
      if (rank != std::floor(rank) || rank > static_cast<double>(kLargestRank))
        reader_.Invalid("rank_pattern holds ranks");
    }
    config.alpha_pattern = Patterns("alpha_pattern");
    config.targets = Modules("target_modules");
    config.excluded = Modules("exclude_modules");
    config.layers = Layers();
    const ModuleChoice replaced = Modules("modules_to_save");
    if (!replaced.expression.empty()) reader_.Invalid("modules_to_save must be a list of names");
    config.replaced = replaced.names;
    config.bias = Bias();
    config.ties_replaced_embeddings = Flag("ensure_weight_tying");
    return config;
  }

 private:
  bool Flag(const char* key) { return reader_.HasValue(key) && reader_.Boolean(key, false); }

  void RefuseOthers(std::vector<std::string>& notes) {
    const std::string type = reader_.Text("peft_type", "");
    if (type != "LORA") {
      reader_.Unsupported(absl::StrCat("peft_type \"", type.substr(0, 80), "\" is not supported; supported: LORA"));
    }
    for (const auto& [key, what] : kRefused) {
      if (reader_.HasValue(key) && IsSet(file_[key])) {
        reader_.Unsupported(absl::StrCat(key, ": ", what, " are not supported"));
      }
    }
    RefuseChangedBases();
    for (const auto& [key, value] : file_.items()) {
      const auto is_key = [&key = key](const auto& known) { return key == known.first; };
      if (key == "use_rslora" || std::find(kKnown.begin(), kKnown.end(), key) != kKnown.end()) continue;
      if (!IsSet(value) || std::any_of(kRefused.begin(), kRefused.end(), is_key)) continue;
      const std::string shown = key.substr(0, 80);
      if (absl::StartsWith(key, "use_")) reader_.Unsupported(shown + " is not known");
      if (!absl::StartsWith(key, "use_"))
        notes.push_back(absl::StrCat(kAdapterConfigFile, ": ", shown, " is not used"));
    }
  }

  void RefuseChangedBases() {
    constexpr char kKey[] = "init_lora_weights";
    if (!reader_.HasValue(kKey) || file_[kKey].is_boolean()) return;
    const std::string start = reader_.Text(kKey, "true");
    if (std::find(kPlainStarts.begin(), kPlainStarts.end(), start) != kPlainStarts.end()) return;
    reader_.Unsupported(absl::StrCat(kKey, " \"", start.substr(0, 80),
                                     "\" changes the base model before training; save the adapter for the base as it "
                                     "is (path_initial_model_for_weight_conversion in peft), or merged"));
  }

  ModuleChoice Modules(const char* key) {
    ModuleChoice choice;
    if (!reader_.HasValue(key)) return choice;
    const json& value = file_[key];
    if (value.is_string()) {
      choice.expression = value.get<std::string>();
      return choice;
    }
    for (const json& name : value.is_array() ? value : json::array({nullptr})) {
      if (name.is_string() && !name.get<std::string>().empty()) choice.names.push_back(name.get<std::string>());
      if (choice.names.empty() || !name.is_string()) reader_.Invalid(absl::StrCat(key, " must be names or one text"));
    }
    CheckCount(key, choice.names.size());
    return choice;
  }

  void CheckCount(const char* key, std::size_t count) {
    if (count <= kMaxPatterns) return;
    reader_.Unsupported(absl::StrCat(key, " has ", count, " entries; at most ", kMaxPatterns, " are supported"));
  }

  std::vector<ModulePattern> Patterns(const char* key) {
    std::vector<ModulePattern> patterns;
    if (!reader_.HasValue(key)) return patterns;
    const json& value = file_[key];
    std::size_t expressions = 0;
    for (const auto& [name, number] : value.items()) {
      if (!value.is_object() || !IsPositive(number)) {
        reader_.Invalid(absl::StrCat(key, " must give finite numbers above 0 by module"));
        return {};
      }
      expressions += IsPath(name) ? 0 : 1;
      CheckPattern(key, name);
      patterns.emplace_back(name, number.get<double>());
    }
    if (patterns.size() > kMaxPatterns || expressions > kMaxExpressions) {
      reader_.Unsupported(absl::StrCat(key, " has ", patterns.size(), " entries, ", expressions,
                                       " of them expressions; at most ", kMaxPatterns, " and ", kMaxExpressions,
                                       " are supported"));
    }
    return patterns;
  }

  void CheckPattern(const char* key, const std::string& name) {
    const auto refuse = [&] {
      reader_.Unsupported(absl::StrCat(key, " \"", name.substr(0, 80), "\" is not a supported expression"));
    };
    // Counted repetitions grow the automaton beyond measure.
    if (name.empty() || name.size() > kMaxPatternBytes || name.find('{') != std::string::npos) return refuse();
    if (IsPath(name)) return;
    try {
      Expression(name);
    } catch (const std::regex_error&) {
      refuse();
    }
  }

  std::optional<std::vector<std::int64_t>> Layers() {
    constexpr char kKey[] = "layers_to_transform";
    if (!reader_.HasValue(kKey)) return std::nullopt;
    const json& value = file_[kKey];
    std::vector<std::int64_t> layers;
    for (const json& layer : value.is_array() ? value : json::array({value})) {
      if (!layer.is_number_integer()) {
        reader_.Invalid(absl::StrCat(kKey, " must be a layer or a list of them"));
        return std::nullopt;
      }
      layers.push_back(layer.get<std::int64_t>());
    }
    CheckCount(kKey, layers.size());
    return layers.empty() ? std::nullopt : std::optional(layers);
  }

  AdapterBias Bias() {
    const std::string bias = reader_.Text("bias", "none");
    if (bias == "all") return AdapterBias::kAll;
    if (bias == "lora_only") return AdapterBias::kLoraOnly;
    if (bias != "none") {
      reader_.Unsupported(absl::StrCat("bias \"", bias.substr(0, 80), "\" is not none, all or lora_only"));
    }
    return AdapterBias::kNone;
  }

  ConfigReader& reader_;
  const json& file_;
};

}  // namespace

absl::StatusOr<AdapterConfig> ParseAdapterConfig(const std::string& text) {
  const absl::StatusOr<json> file = ParseStrictJson(text, kAdapterConfigFile, kConfigDepth);
  if (!file.ok()) return file.status();
  if (!file->is_object()) return absl::InvalidArgumentError(absl::StrCat(kAdapterConfigFile, ": must be an object"));
  ConfigReader reader(*file, kAdapterConfigFile);
  AdapterConfig config = Reading(reader).Run();
  if (!reader.status().ok()) return reader.status();
  return config;
}

bool MatchesModulePattern(const std::string& name, const std::string& module) {
  if (!IsPath(name)) return std::regex_match(module, Expression(name));
  if (module.size() < name.size()) return false;
  const std::size_t begin = module.size() - name.size();
  if (begin > 0 && module[begin - 1] != '.') return false;
  // A dot of an expression stands for any character.
  return std::equal(name.begin(), name.end(), module.begin() + static_cast<std::ptrdiff_t>(begin),
                    [](char wanted, char found) { return wanted == '.' || wanted == found; });
}

bool IsNamed(const std::string& name, const std::string& module) {
  return module == name || absl::EndsWith(module, "." + name);
}

}  // namespace headscope::worker
