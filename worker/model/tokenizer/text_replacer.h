// Replace: what a pattern matches becomes another text.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "worker/model/tokenizer/component.h"
#include "worker/model/tokenizer/regex.h"

namespace headscope::worker::tokenization {

// Immutable: thread-safe.
class TextReplacer {
 public:
  // Options: pattern, content. A Regex whose content has a dollar sign is refused: it is a group's number or a plain
  // character, depending on the reference library's version.
  static absl::StatusOr<TextReplacer> Load(const Component& component);

  // INVALID_ARGUMENT when the pattern gives up, or the result would have more than `max_bytes`.
  absl::StatusOr<std::string> Replace(std::string_view text, std::size_t max_bytes) const;

  // Whether it exchanges single characters, so that what was the first one still is.
  bool KeepsStart() const { return keeps_start_; }

 private:
  TextReplacer(Regex pattern, std::string content, bool keeps_start)
      : pattern_(std::move(pattern)), content_(std::move(content)), keeps_start_(keeps_start) {}

  Regex pattern_;
  std::string content_;
  bool keeps_start_;
};

}  // namespace headscope::worker::tokenization
