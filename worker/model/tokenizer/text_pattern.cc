#include "worker/model/tokenizer/text_pattern.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace headscope::worker::tokenization {

absl::StatusOr<Regex> LoadPattern(const Json& component, std::string_view where) {
  const auto pattern = RequireObject(component, "pattern", where);
  if (!pattern.ok()) return pattern.status();
  const std::string path = absl::StrCat(std::string(where), ".pattern");
  const bool literal = FindField(**pattern, "String") != nullptr;
  const auto text = RequireString(**pattern, literal ? "String" : "Regex", path);
  if (!text.ok()) return text.status();
  auto compiled = Regex::Compile(literal ? EscapePattern(*text) : *text);
  if (!compiled.ok()) return Malformed(path, absl::StrCat(Quoted(*text), ": ", compiled.status().message()));
  return compiled;
}

}  // namespace headscope::worker::tokenization
