#include "worker/model/adapter/adapter_tensors.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "worker/model/adapter/adapter_names.h"
#include "worker/model/tensor_accounting.h"

namespace headscope::worker {
namespace {

// A stored tensor and what the file calls it.
struct Named {
  std::string name;
  const StoredTensor* tensor = nullptr;
};

// A module of the base, and what the file has for it.
struct Module {
  const FileTensor* weight = nullptr;
  // Null: the base has none.
  const FileTensor* bias = nullptr;
  std::map<AdapterPart, Named> parts;
  // Path as the file spells it.
  std::string spelled;

  const WeightSlot& slot() const { return weight->placements.front().slot; }
  bool Has(AdapterPart part) const { return parts.contains(part); }
  bool HasTerm() const { return Has(AdapterPart::kDown) || Has(AdapterPart::kUp); }
};

bool IsEmbedding(WeightRole role) { return role == WeightRole::kEmbedding || role == WeightRole::kPositionEmbedding; }

bool IsLinear(WeightRole role) {
  using enum WeightRole;
  constexpr WeightRole kLinears[] = {
      kHead, kEmbeddingProjection, kHeadProjection, kQuery, kKey, kValue, kOutput, kGate, kUp, kDown};
  return std::find(std::begin(kLinears), std::end(kLinears), role) != std::end(kLinears);
}

bool IsPerLayer(WeightRole role) { return role >= WeightRole::kAttentionNorm; }

absl::Status Refuse(const std::string& text) { return absl::FailedPreconditionError(text); }

class Accountant {
 public:
  Accountant(const AdapterConfig& config, const Architecture& base, const SafetensorsHeader& stored)
      : config_(config), base_(base), stored_(stored) {
    const auto module_of = [](const std::string& name, const char* ending) -> std::optional<std::string> {
      if (!absl::EndsWith(name, ending)) return std::nullopt;
      return name.substr(0, name.rfind('.'));
    };
    for (const FileTensor& tensor : base.tensors) {
      if (const auto module = module_of(tensor.name, ".weight")) modules_[*module].weight = &tensor;
    }
    for (const FileTensor& tensor : base.tensors) {
      const auto module = module_of(tensor.name, ".bias");
      if (module.has_value() && modules_.contains(*module)) modules_[*module].bias = &tensor;
    }
  }

  absl::StatusOr<AdapterAccount> Run() {
    for (const auto& [name, tensor] : stored_) {
      const absl::Status status = Recognise(name, tensor);
      if (!status.ok()) return status;
    }
    AdapterAccount account;
    for (const auto& [path, module] : modules_) {
      absl::Status status = CheckTargeted(path, module);
      if (status.ok() && module.HasTerm()) status = AddTerm(path, module, account);
      if (status.ok()) status = AddReplacement(path, module, AdapterPart::kWeight, account);
      if (status.ok()) status = AddReplacement(path, module, AdapterPart::kBias, account);
      if (!status.ok()) return status;
    }
    absl::Status status = CheckReplacedNames();
    if (status.ok()) status = CheckTiedHead();
    if (!status.ok()) return status;
    if (account.terms.empty() && account.replacements.empty()) return Refuse("the adapter holds no tensors");
    return account;
  }

 private:
  // Finds the module of the base that `name` belongs to.
  absl::Status Recognise(const std::string& name, const StoredTensor& tensor) {
    const absl::StatusOr<AdapterName> parsed = ParseAdapterName(name);
    if (!parsed.ok()) return parsed.status();
    for (const NameSpelling& spelling : SpellingsOf(base_)) {
      for (const std::string& path : CanonicalNames(base_, spelling, parsed->module)) {
        const auto found = modules_.find(path);
        if (found == modules_.end()) continue;
        const auto [at, is_new] = found->second.parts.try_emplace(parsed->part, Named{name, &tensor});
        if (!is_new)
          return Refuse(absl::StrCat("tensors \"", at->second.name, "\" and \"", name, "\" are the same one"));
        found->second.spelled = parsed->module;
        return absl::OkStatus();
      }
    }
    return Refuse(absl::StrCat("tensor \"", name, "\": the base model has no module \"", parsed->module, "\""));
  }

  static bool IsChosen(const ModuleChoice& choice, const std::string& path) {
    return std::any_of(choice.names.begin(), choice.names.end(),
                       [&](const std::string& name) { return IsNamed(name, path); });
  }

  // Whether the configuration, where it lists names, gives the module a term.
  bool IsTargeted(const std::string& path, const Module& module) const {
    if (!IsChosen(config_.targets, path) || IsChosen(config_.excluded, path)) return false;
    if (!config_.layers.has_value()) return true;
    return IsPerLayer(module.slot().role) &&
           std::find(config_.layers->begin(), config_.layers->end(), module.slot().layer) != config_.layers->end();
  }

  // Whether the adapter is to hold the module, or one around it, whole. As in peft a name is compared with the end of a
  // path, not with whole steps of it.
  bool IsReplaced(const std::string& path) const {
    for (std::size_t end = path.size(); end != std::string::npos && end > 0; end = path.rfind('.', end - 1)) {
      const std::string around = path.substr(0, end);
      if (std::any_of(config_.replaced.begin(), config_.replaced.end(),
                      [&](const std::string& name) { return absl::EndsWith(around, name); })) {
        return true;
      }
    }
    return false;
  }

  absl::Status CheckTargeted(const std::string& path, const Module& module) const {
    const WeightRole role = module.slot().role;
    if (config_.targets.names.empty() || IsReplaced(path)) return absl::OkStatus();
    const bool targeted = IsTargeted(path, module);
    if (targeted && IsEmbedding(role)) {
      return Refuse(absl::StrCat("target_modules names the embedding \"", path,
                                 "\", whose low-rank terms are not supported; train it with modules_to_save"));
    }
    if (targeted && IsLinear(role) && !module.HasTerm() && config_.excluded.expression.empty()) {
      return Refuse(absl::StrCat("target_modules names \"", path, "\", for which the file has no tensors"));
    }
    if (!module.HasTerm() || targeted || IsTargeted(module.spelled, module)) return absl::OkStatus();
    return Refuse(absl::StrCat("the file has tensors for \"", module.spelled,
                               "\", which target_modules, exclude_modules and layers_to_transform leave out"));
  }

  // The number that the patterns give the module, or `fallback`.
  static absl::StatusOr<double> Pick(const std::vector<ModulePattern>& patterns, const std::string& module,
                                     double fallback) {
    std::optional<double> picked;
    for (const auto& [name, number] : patterns) {
      if (!MatchesModulePattern(name, module)) continue;
      if (picked.value_or(number) != number) {
        return Refuse(absl::StrCat("patterns give \"", module, "\" both ", *picked, " and ", number));
      }
      picked = number;
    }
    return picked.value_or(fallback);
  }

  absl::Status AddTerm(const std::string& path, const Module& module, AdapterAccount& account) const {
    if (!IsLinear(module.slot().role)) {
      return Refuse(absl::StrCat("tensor \"", module.parts.begin()->second.name, "\" is a low-rank term of \"", path,
                                 "\", which is no linear module"));
    }
    if (!module.Has(AdapterPart::kDown) || !module.Has(AdapterPart::kUp)) {
      return Refuse(absl::StrCat("tensor \"", module.Has(AdapterPart::kUp) ? "lora_A" : "lora_B", "\" of \"",
                                 module.spelled, "\" is missing"));
    }
    const absl::StatusOr<double> rank = Pick(config_.rank_pattern, module.spelled, static_cast<double>(config_.rank));
    if (!rank.ok()) return rank.status();
    const absl::StatusOr<double> alpha = Pick(config_.alpha_pattern, module.spelled, config_.alpha);
    if (!alpha.ok()) return alpha.status();
    std::vector<std::int64_t> shape = FileShape(base_.spec, *module.weight);
    if (module.weight->transposed) std::swap(shape[0], shape[1]);
    const auto rows = static_cast<std::int64_t>(*rank);
    const Named& down = module.parts.at(AdapterPart::kDown);
    const Named& up = module.parts.at(AdapterPart::kUp);
    const std::string by = absl::StrCat("rank ", rows, " of ", kAdapterConfigFile, " and the base model");
    absl::Status status = CheckStored(down.name, *down.tensor, {rows, shape[1]}, by);
    if (status.ok()) status = CheckStored(up.name, *up.tensor, {shape[0], rows}, by);
    const double divisor = config_.rank_stabilised ? std::sqrt(*rank) : *rank;
    account.terms.push_back({path, module.weight, down.tensor, up.tensor, *alpha / divisor});
    return status;
  }

  bool MayReplace(const std::string& path, const Module& module, AdapterPart part) const {
    if (IsReplaced(path)) return true;
    if (part == AdapterPart::kWeight) {
      // peft saves these of its own accord, changed or not.
      return module.slot().role == WeightRole::kEmbedding || module.slot().role == WeightRole::kHead;
    }
    return config_.bias == AdapterBias::kAll || (config_.bias == AdapterBias::kLoraOnly && module.HasTerm());
  }

  bool MustReplace(const std::string& path, const Module& module, AdapterPart part) const {
    if (IsReplaced(path)) return true;
    return part == AdapterPart::kBias && MayReplace(path, module, part);
  }

  absl::Status AddReplacement(const std::string& path, const Module& module, AdapterPart part,
                              AdapterAccount& account) const {
    const FileTensor* of_base = part == AdapterPart::kWeight ? module.weight : module.bias;
    const auto found = module.parts.find(part);
    if (found == module.parts.end()) {
      if (of_base == nullptr || !MustReplace(path, module, part)) return absl::OkStatus();
      return Refuse(absl::StrCat("the tensor in place of \"", of_base->name, "\" is missing, which ",
                                 IsReplaced(path) ? "modules_to_save" : "bias", " asks for"));
    }
    const Named& named = found->second;
    if (of_base == nullptr) {
      return Refuse(absl::StrCat("tensor \"", named.name, "\": the base model has no bias at \"", path, "\""));
    }
    if (!MayReplace(path, module, part)) {
      return Refuse(absl::StrCat("tensor \"", named.name,
                                 "\" replaces one of the base model, but neither "
                                 "modules_to_save nor bias names it"));
    }
    account.replacements.push_back({of_base, named.tensor});
    return CheckStored(named.name, *named.tensor, FileShape(base_.spec, *of_base), "the base model");
  }

  absl::Status CheckReplacedNames() const {
    for (const std::string& name : config_.replaced) {
      const auto means = [&](const auto& entry) {
        const std::string& path = entry.first;
        return absl::EndsWith(path, name) || absl::StrContains(path, name + ".");
      };
      if (std::any_of(modules_.begin(), modules_.end(), means)) continue;
      return Refuse(
          absl::StrCat("modules_to_save names \"", name.substr(0, 80), "\", which the base model does not have"));
    }
    return absl::OkStatus();
  }

  // In a model whose head is its embedding, a new one of the two leaves open what becomes of the other; modules_to_save
  // parts them.
  absl::Status CheckTiedHead() const {
    if (!base_.spec.tied_head) return absl::OkStatus();
    bool whole[2] = {false, false};
    bool open = false;
    for (const auto& [path, module] : modules_) {
      const WeightRole role = module.slot().role;
      if (role != WeightRole::kEmbedding && role != WeightRole::kHead) continue;
      if (!module.Has(AdapterPart::kWeight)) continue;
      whole[role == WeightRole::kHead] = true;
      open = open || !IsReplaced(path) || config_.ties_replaced_embeddings;
    }
    if (!open || whole[0] == whole[1]) return absl::OkStatus();
    return Refuse(
        absl::StrCat("the file has a new ", whole[1] ? "vocabulary head" : "embedding",
                     " alone, and the base model ties the two: whether the other changes with it is not said; "
                     "merge the adapter instead"));
  }

  const AdapterConfig& config_;
  const Architecture& base_;
  const SafetensorsHeader& stored_;
  // By path in the base model.
  std::map<std::string, Module> modules_;
};

}  // namespace

absl::StatusOr<AdapterAccount> AccountForAdapter(const AdapterConfig& config, const Architecture& base,
                                                 const SafetensorsHeader& stored) {
  return Accountant(config, base, stored).Run();
}

}  // namespace headscope::worker
