#include "worker/model/tokenizer/byte_level_decoder.h"

#include <optional>

#include "worker/model/tokenizer/byte_alphabet.h"
#include "worker/model/tokenizer/utf8.h"

namespace headscope::worker::tokenization {
namespace {

std::optional<std::string> BytesOf(const std::string& token) {
  std::string bytes;
  for (std::size_t offset = 0; offset < token.size();) {
    const Utf8Character character = ReadUtf8(token, offset);
    const auto byte = ByteOfCharacter(character.code_point);
    if (!character.valid || !byte.has_value()) return std::nullopt;
    bytes.push_back(static_cast<char>(*byte));
    offset += character.size;
  }
  return bytes;
}

class ByteLevelDecoder : public TokenDecoder {
 public:
  absl::StatusOr<std::vector<std::string>> Decode(std::vector<std::string> parts) const override {
    std::string bytes;
    for (const std::string& part : parts) bytes += BytesOf(part).value_or(part);
    return std::vector<std::string>{ReplaceInvalidUtf8(bytes)};
  }
};

}  // namespace

absl::StatusOr<std::unique_ptr<const TokenDecoder>> LoadByteLevelDecoder(const Component& /*component*/) {
  return std::make_unique<const ByteLevelDecoder>();
}

}  // namespace headscope::worker::tokenization
