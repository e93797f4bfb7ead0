#include "worker/model/tokenizer/text_replacer.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "worker/model/tokenizer/text_pattern.h"
#include "worker/model/tokenizer/utf8.h"

namespace headscope::worker::tokenization {
namespace {

// Whether the pattern is one character as it is.
bool IsOneCharacter(const Json& component) {
  const auto text = OptionalString(component["pattern"], "String", "");
  return text.ok() && !text->empty() && ReadUtf8(*text, 0).size == text->size();
}

}  // namespace

absl::StatusOr<TextReplacer> TextReplacer::Load(const Component& component) {
  auto pattern = LoadPattern(*component.json, component.path);
  if (!pattern.ok()) return pattern.status();
  auto content = RequireString(*component.json, "content", component.path);
  if (!content.ok()) return content.status();
  if (FindField((*component.json)["pattern"], "Regex") != nullptr && absl::StrContains(*content, "$")) {
    return Unsupported(component.path + ".content", Quoted(*content));
  }
  const bool keeps_start = IsOneCharacter(*component.json) && !content->empty();
  return TextReplacer(*std::move(pattern), *std::move(content), keeps_start);
}

absl::StatusOr<std::string> TextReplacer::Replace(std::string_view text, std::size_t max_bytes) const {
  const auto stretches = pattern_.Cut(text);
  if (!stretches.ok()) return stretches.status();
  std::string replaced;
  replaced.reserve(text.size());
  for (const Stretch& stretch : *stretches) {
    replaced.append(stretch.matched ? content_ : text.substr(stretch.begin, stretch.end - stretch.begin));
    if (replaced.size() > max_bytes) {
      return absl::InvalidArgumentError(absl::StrCat("Replace makes more than ", max_bytes, " bytes of ", text.size()));
    }
  }
  return replaced;
}

}  // namespace headscope::worker::tokenization
