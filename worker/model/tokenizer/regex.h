// Regular expressions over UTF-8 text.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

struct re_pattern_buffer;

namespace headscope::worker::tokenization {

// Bytes [begin, end) of a text: what a pattern matched, or what lies between two matches.
struct Stretch {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool matched = false;
  friend bool operator==(const Stretch&, const Stretch&) = default;
};

// A compiled pattern of Oniguruma, the engine of the reference library, in its default syntax: so every pattern means
// what it means there. Immutable: thread-safe (each call has match state of its own).
class Regex {
 public:
  // INVALID_ARGUMENT with the engine's message, or for a pattern of more than 64 KiB.
  static absl::StatusOr<Regex> Compile(std::string_view pattern);

  // Cuts `text` (valid UTF-8) into its matches and the stretches between them, in order, nothing left out. A match may
  // be empty, but none is in an empty text; a stretch between matches is never empty. INVALID_ARGUMENT when the pattern
  // takes far more steps, memory or time than a sane one; all three are bounded by a multiple of the text's length.
  absl::StatusOr<std::vector<Stretch>> Cut(std::string_view text) const;

  // Whether the pattern matches at the start of `text` (valid UTF-8, short: there is no bound on the work).
  bool MatchesStart(std::string_view text) const;

 private:
  struct FreeCode {
    void operator()(re_pattern_buffer* code) const;
  };

  explicit Regex(std::unique_ptr<re_pattern_buffer, FreeCode> code) : code_(std::move(code)) {}

  std::unique_ptr<re_pattern_buffer, FreeCode> code_;
};

// A pattern that matches `text` itself.
std::string EscapePattern(std::string_view text);

}  // namespace headscope::worker::tokenization
