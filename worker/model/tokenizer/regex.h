// Regular expressions over UTF-8 text.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

struct pcre2_real_code_8;

namespace headscope::worker::tokenization {

// A compiled PCRE2 pattern with Unicode properties. Immutable: thread-safe (each call has match state of its own).
class Regex {
 public:
  // Errors: INVALID_ARGUMENT with PCRE2's message and offset; also for a pattern that can match the empty string.
  static absl::StatusOr<Regex> Compile(std::string_view pattern);

  // Cuts `text` (valid UTF-8) into its matches and the stretches between them, in order, nothing left out. The views
  // point into `text`. INVALID_ARGUMENT when the matcher's step limit is hit.
  absl::StatusOr<std::vector<std::string_view>> Isolate(std::string_view text) const;

  // Whether the pattern matches anywhere in `text` (valid UTF-8).
  bool Matches(std::string_view text) const;

 private:
  struct FreeCode {
    void operator()(pcre2_real_code_8* code) const;
  };

  explicit Regex(std::unique_ptr<pcre2_real_code_8, FreeCode> code) : code_(std::move(code)) {}

  std::unique_ptr<pcre2_real_code_8, FreeCode> code_;
};

}  // namespace headscope::worker::tokenization
