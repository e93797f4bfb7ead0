// The "normalizer" section of tokenizer.json: what is done to text before it is split.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/model/tokenizer/json_fields.h"

namespace headscope::worker::tokenization {

// Immutable: thread-safe.
class Normalizer {
 public:
  virtual ~Normalizer() = default;

  // What valid UTF-8 `text` becomes. INVALID_ARGUMENT when that would be more than `max_bytes`.
  virtual absl::StatusOr<std::string> Normalize(std::string text, std::size_t max_bytes) const = 0;
  // Whether what it makes begins with what became of the first character, so that its start is the text's start.
  virtual bool KeepsStart() const { return true; }
};

using Normalizers = std::vector<std::unique_ptr<const Normalizer>>;

// The steps in order, none where there is no normalizer. Knows NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip,
// Prepend and Replace. Errors: INVALID_ARGUMENT (malformed), FAILED_PRECONDITION naming the component.
absl::StatusOr<Normalizers> LoadNormalizers(const Json& tokenizer);

// `text` after all `steps`. INVALID_ARGUMENT when they make it more than 64 times as long.
absl::StatusOr<std::string> Normalize(const Normalizers& steps, std::string_view text);

}  // namespace headscope::worker::tokenization
