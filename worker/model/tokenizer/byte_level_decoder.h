// ByteLevel: characters of the byte alphabet back into the bytes they stand for.
#pragma once

#include "worker/model/tokenizer/decoder.h"

namespace headscope::worker::tokenization {

// A token with a character outside the alphabet (an added token with a space) stands for its own UTF-8. Bytes that do
// not make UTF-8 together become U+FFFD.
class ByteLevelDecoder : public TokenDecoder {
 public:
  std::string Decode(const std::vector<std::string>& tokens) const override;
};

}  // namespace headscope::worker::tokenization
