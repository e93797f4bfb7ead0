// An adapter's adapter_config.json, as peft writes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace headscope::worker {

inline constexpr char kAdapterConfigFile[] = "adapter_config.json";
inline constexpr char kAdapterTensorsFile[] = "adapter_model.safetensors";

// Which modules a key of the file means.
struct ModuleChoice {
  // Names: a module is meant by its whole path or by the end of it behind a dot. Empty: none, or `expression`.
  std::vector<std::string> names;
  // A regular expression or "all-linear": which modules it means, the tensors of the file tell.
  std::string expression;

  bool empty() const { return names.empty() && expression.empty(); }
};

enum class AdapterBias { kNone, kAll, kLoraOnly };

// A number for the modules that a pattern means, in place of the number for all.
using ModulePattern = std::pair<std::string, double>;

// A LoRA adapter's settings, as far as they change what it computes. A plain value.
struct AdapterConfig {
  // base_model_name_or_path, as written.
  std::string base;
  std::int64_t rank = 8;
  double alpha = 8.0;
  // The low-rank term is multiplied by alpha / sqrt(rank) instead of alpha / rank.
  bool rank_stabilised = false;
  std::vector<ModulePattern> rank_pattern;
  std::vector<ModulePattern> alpha_pattern;
  ModuleChoice targets;
  ModuleChoice excluded;
  // Layers that have the term; absent: all.
  std::optional<std::vector<std::int64_t>> layers;
  // Modules, or modules around them, that the adapter holds whole (modules_to_save).
  std::vector<std::string> replaced;
  AdapterBias bias = AdapterBias::kNone;
  // Replaced embeddings were meant to replace a tied head too.
  bool ties_replaced_embeddings = false;
  // Keys that are not known and not used, for people.
  std::vector<std::string> notes;
};

// Reads the text of an adapter_config.json. Errors: FAILED_PRECONDITION naming what is not supported (other kinds of
// adapters, and what changes the arithmetic of this one), INVALID_ARGUMENT.
absl::StatusOr<AdapterConfig> ParseAdapterConfig(const std::string& json);

// Whether `name`, a key of rank_pattern or alpha_pattern, means the module of that path: the expression it is matches
// the whole path or the end of it behind a dot. `name` is one that ParseAdapterConfig accepted.
bool MatchesModulePattern(const std::string& name, const std::string& module);

// Whether `module` ends with `name`, behind a dot or whole.
bool IsNamed(const std::string& name, const std::string& module);

}  // namespace headscope::worker
