#include <array>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "worker/attribution/gradient.h"
#include "worker/attribution/method.h"

namespace headscope::worker {
namespace {

// Every method. Adding one: its file, its line here.
const std::array<const Method*, 1>& Methods() {
  static const GradientMethod gradient;
  static const std::array<const Method*, 1> methods = {&gradient};
  return methods;
}

}  // namespace

absl::StatusOr<const Method*> FindMethod(std::string_view name) {
  for (const Method* method : Methods()) {
    if (method->name() == name) return method;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("method \"", std::string(name), "\" is not known; known: ", absl::StrJoin(MethodNames(), ", ")));
}

std::vector<std::string> MethodNames() {
  std::vector<std::string> names;
  for (const Method* method : Methods()) names.emplace_back(method->name());
  return names;
}

}  // namespace headscope::worker
