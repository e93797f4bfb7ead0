#include "worker/model/engine.h"

#include <array>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "worker/model/fast/fast_engine.h"
#include "worker/model/reference_engine.h"

namespace headscope::worker {
namespace {

struct EngineEntry {
  EngineKind kind;
  std::string_view name;
  absl::StatusOr<std::unique_ptr<Engine>> (*create)(std::shared_ptr<const Model> model);
};

constexpr std::array<EngineEntry, 2> kEngines = {{
    {EngineKind::kFast, "fast", FastEngine::CreateWithDefaults},
    {EngineKind::kReference, "reference", ReferenceEngine::Create},
}};

}  // namespace

bool Computes(EngineKind kind, DType dtype) {
  return dtype == DType::kFloat32 || dtype == (kind == EngineKind::kFast ? DType::kBFloat16 : DType::kFloat64);
}

bool Pads(EngineKind kind) { return kind == EngineKind::kReference; }

absl::StatusOr<std::unique_ptr<Engine>> MakeEngine(EngineKind kind, std::shared_ptr<const Model> model) {
  for (const EngineEntry& entry : kEngines) {
    if (entry.kind == kind) return entry.create(std::move(model));
  }
  return absl::InternalError("an engine kind that is not in the table");
}

absl::StatusOr<EngineKind> ParseEngineKind(std::string_view name) {
  std::string known;
  for (const EngineEntry& entry : kEngines) {
    if (entry.name == name) return entry.kind;
    absl::StrAppend(&known, known.empty() ? "" : ", ", std::string(entry.name));
  }
  return absl::InvalidArgumentError(absl::StrCat("engine \"", std::string(name), "\" is not known; known: ", known));
}

}  // namespace headscope::worker
