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

}  // namespace

std::string ByteLevelDecoder::Decode(const std::vector<std::string>& tokens) const {
  std::string bytes;
  for (const std::string& token : tokens) bytes += BytesOf(token).value_or(token);
  return ReplaceInvalidUtf8(bytes);
}

}  // namespace headscope::worker::tokenization
