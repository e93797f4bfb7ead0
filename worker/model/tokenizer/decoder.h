// The "decoder" section of tokenizer.json: token strings back into text.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/model/tokenizer/json_fields.h"

namespace headscope::worker::tokenization {

// Immutable: thread-safe.
class TokenDecoder {
 public:
  virtual ~TokenDecoder() = default;
  // Valid UTF-8, whatever the tokens are.
  virtual std::string Decode(const std::vector<std::string>& tokens) const = 0;
};

// Errors: INVALID_ARGUMENT (malformed), FAILED_PRECONDITION naming the component.
absl::StatusOr<std::unique_ptr<const TokenDecoder>> LoadDecoder(const Json& tokenizer);

}  // namespace headscope::worker::tokenization
