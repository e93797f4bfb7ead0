#include "worker/runtime/adapter_base.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace headscope::worker {
namespace {

constexpr std::size_t kMaxShown = 10;

absl::string_view LastStep(absl::string_view path) { return path.substr(path.rfind('/') + 1); }

// `written` as a name beneath the root: without the root, a leading "./" and slashes at its end.
std::string AsName(const std::string& written, const std::string& root) {
  absl::string_view name = written;
  while (absl::ConsumeSuffix(&name, "/")) {
  }
  if (!absl::ConsumePrefix(&name, absl::StrCat(root, "/"))) absl::ConsumePrefix(&name, "./");
  return std::string(name);
}

}  // namespace

absl::StatusOr<std::string> FindBase(const std::string& adapter, const std::string& written,
                                     const BaseCandidates& candidates) {
  const auto refuse = [&](const std::string& why) {
    return absl::FailedPreconditionError(
        absl::StrCat(adapter, ": base_model_name_or_path \"", written.substr(0, 200), "\" ", why));
  };
  const std::string name = AsName(written, candidates.root);
  const std::vector<std::string>& names = candidates.names;
  if (std::find(names.begin(), names.end(), name) != names.end()) {
    if (!candidates.is_adapter(name)) return name;
    return refuse("is an adapter itself; an adapter needs a model as its base");
  }
  std::vector<std::string> models, adapters;
  for (const std::string& candidate : names) {
    if (candidate == adapter || LastStep(candidate) != LastStep(name)) continue;
    (candidates.is_adapter(candidate) ? adapters : models).push_back(candidate);
  }
  if (models.size() == 1) return models.front();
  if (models.size() > 1) {
    const std::size_t more = models.size() - std::min(models.size(), kMaxShown);
    models.resize(models.size() - more);
    return refuse(absl::StrCat("may be ", absl::StrJoin(models, " or "), more > 0 ? " or others" : "",
                               "; write the path beneath the model root"));
  }
  if (!adapters.empty()) return refuse(absl::StrCat("is ", adapters.front(), ", an adapter itself"));
  return refuse(absl::StrCat("is not beneath the model root, neither by that path nor as \"", LastStep(name), "\""));
}

}  // namespace headscope::worker
