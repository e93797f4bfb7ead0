#include "worker/model/tokenizer/component.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace headscope::worker::tokenization {
namespace {

// Every step is run over the whole text.
constexpr std::size_t kMaxComponents = 64;

absl::Status Append(const Json& json, const std::string& path, const char* parts, std::vector<Component>& components) {
  auto type = RequireString(json, "type", path);
  if (!type.ok()) return type.status();
  if (*type != "Sequence") {
    if (components.size() == kMaxComponents)
      return Malformed(path, absl::StrCat("is one component more than the ", kMaxComponents, " that are read"));
    components.push_back({.type = *std::move(type), .path = path, .json = &json});
    return absl::OkStatus();
  }
  const auto values = RequireArray(json, parts, path);
  if (!values.ok()) return values.status();
  for (std::size_t index = 0; index < (*values)->size(); ++index) {
    auto status = Append((**values)[index], absl::StrCat(path, ".", parts, "[", index, "]"), parts, components);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<Component>> ListComponents(const Json& tokenizer, const char* section, const char* parts) {
  std::vector<Component> components;
  const Json* json = FindField(tokenizer, section);
  if (json == nullptr) return components;
  if (auto status = Append(*json, section, parts, components); !status.ok()) return status;
  return components;
}

absl::Status UnsupportedComponent(const Component& component) {
  return Unsupported(component.path, Quoted(component.type));
}

}  // namespace headscope::worker::tokenization
