// ByteLevel: the byte alphabet's characters back into bytes.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "worker/model/tokenizer/component.h"
#include "worker/model/tokenizer/decoder.h"

namespace headscope::worker::tokenization {

// Joins the tokens into one part. A token with a character outside the alphabet (an added one) stands for itself; bytes
// that are not UTF-8 become U+FFFD.
absl::StatusOr<std::unique_ptr<const TokenDecoder>> LoadByteLevelDecoder(const Component& component);

}  // namespace headscope::worker::tokenization
