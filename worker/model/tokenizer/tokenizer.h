// Text to token ids and back, from a model directory's tokenizer.json.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace headscope::worker {

// Gives the text of a file of the model's directory by its plain name. NOT_FOUND where there is none.
using FileReader = std::function<absl::StatusOr<std::string>(const std::string& name)>;

// Reads the files in `directory`, wherever links lead.
FileReader FilesIn(const std::string& directory);

// Reproduces the reference tokenizer library on the components it knows; every other component is refused by name when
// loading. Immutable: thread-safe.
class Tokenizer {
 public:
  // Reads tokenizer.json, or where there is none vocab.json and merges.txt with what is said about them beside them
  // (legacy_files.h). Errors: NOT_FOUND (neither is there), INVALID_ARGUMENT (malformed), FAILED_PRECONDITION naming
  // the component that is not supported.
  static absl::StatusOr<std::unique_ptr<const Tokenizer>> Read(const FileReader& read);
  // The same from the files in `directory`.
  static absl::StatusOr<std::unique_ptr<const Tokenizer>> Load(const std::string& directory);
  // The same from the content of a tokenizer.json.
  static absl::StatusOr<std::unique_ptr<const Tokenizer>> Parse(std::string_view json);

  virtual ~Tokenizer() = default;

  // Ids of `text` (UTF-8; INVALID_ARGUMENT with the byte offset otherwise). With `add_special_tokens` the
  // post-processor's template is applied. Time is near linear in the text, a single huge word included.
  virtual absl::StatusOr<std::vector<std::int32_t>> Encode(std::string_view text, bool add_special_tokens) const = 0;
  // Text of `ids`, invalid UTF-8 replaced by U+FFFD, special tokens kept. INVALID_ARGUMENT for an unknown id.
  virtual absl::StatusOr<std::string> Decode(const std::vector<std::int32_t>& ids) const = 0;
  // The vocabulary's string of `id`, or nullopt for an unknown one.
  virtual std::optional<std::string> TokenString(std::int32_t id) const = 0;
  // Id of a vocabulary string or added token.
  virtual std::optional<std::int32_t> TokenId(std::string_view token) const = 0;
  // The ids that special tokens put before a text: mostly the beginning of sequence, often none.
  virtual std::vector<std::int32_t> LeadingSpecialTokens() const = 0;
  // One past the largest id.
  virtual std::int32_t size() const = 0;
};

// The end-of-sequence id of the model directory that `read` reads, as system.md 6 orders it: tokenizer_config.json's
// eos_token (looked up in `tokenizer`), else generation_config.json's eos_token_id, else config.json's; the first of a
// list. FAILED_PRECONDITION when none says one.
absl::StatusOr<std::int32_t> FindEndOfSequence(const FileReader& read, const Tokenizer& tokenizer);

}  // namespace headscope::worker
