#include "client/cli/model_glob.h"

#include <fnmatch.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/cli/suggestions.h"

namespace headscope::cli {
namespace {

absl::Status NoMatch(const std::vector<client::Model>& models, const std::string& pattern) {
  std::vector<std::string> names;
  for (const client::Model& model : models) names.push_back(model.name);
  return absl::NotFoundError(absl::StrCat("no model matches \"", pattern, "\"", DidYouMean(pattern, names),
                                          "; `headscope models` lists ", models.size()));
}

absl::Status Unsupported(const client::Model& model) {
  return absl::FailedPreconditionError(absl::StrCat("model ", model.name, " is not supported: ", model.unsupported));
}

}  // namespace

absl::StatusOr<ChosenModels> ChooseModels(const std::vector<client::Model>& models,
                                          const std::vector<std::string>& patterns) {
  ChosenModels chosen;
  std::set<std::string> seen;
  for (const std::string& given : patterns) {
    const std::string pattern(absl::StripPrefix(given, "models/"));
    bool matched = false;
    for (const client::Model& model : models) {
      const bool is_name = model.name == pattern;
      if (!is_name && fnmatch(pattern.c_str(), model.name.c_str(), 0) != 0) continue;
      matched = true;
      if (is_name && !model.unsupported.empty()) return Unsupported(model);
      if (!seen.insert(model.name).second) continue;
      if (model.unsupported.empty()) {
        chosen.names.push_back(model.name);
      } else {
        chosen.left_out.push_back(model);
      }
    }
    if (!matched) return NoMatch(models, pattern);
  }
  return chosen;
}

}  // namespace headscope::cli
