// The "decoder" section of tokenizer.json: token strings back into text.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/model/tokenizer/json_fields.h"

namespace headscope::worker::tokenization {

// One step: what it is given, and what it gives, are the parts of the text in order. Immutable: thread-safe.
class TokenDecoder {
 public:
  virtual ~TokenDecoder() = default;
  virtual absl::StatusOr<std::vector<std::string>> Decode(std::vector<std::string> parts) const = 0;
};

using TokenDecoders = std::vector<std::unique_ptr<const TokenDecoder>>;

// The steps in order. Knows ByteLevel, ByteFallback, Fuse, Metaspace, Replace and Strip. Without a decoder tokens are
// joined by spaces, as the reference library does. Errors: INVALID_ARGUMENT (malformed), FAILED_PRECONDITION naming the
// component.
absl::StatusOr<TokenDecoders> LoadDecoders(const Json& tokenizer);

// The text of `tokens` after all `steps`, valid UTF-8.
absl::StatusOr<std::string> DecodeTokens(const TokenDecoders& steps, std::vector<std::string> tokens);

}  // namespace headscope::worker::tokenization
