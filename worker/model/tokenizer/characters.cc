#include "worker/model/tokenizer/characters.h"

#include "worker/model/tokenizer/utf8.h"

namespace headscope::worker::tokenization {

bool IsWhitespace(std::uint32_t code_point) {
  switch (code_point) {
    case 0x20:
    case 0x85:
    case 0xA0:
    case 0x1680:
    case 0x2028:
    case 0x2029:
    case 0x202F:
    case 0x205F:
    case 0x3000:
      return true;
    default:
      return (code_point >= 0x9 && code_point <= 0xD) || (code_point >= 0x2000 && code_point <= 0x200A);
  }
}

std::size_t PreviousCharacter(std::string_view text, std::size_t end) {
  std::size_t begin = end - 1;
  while (begin > 0 && (static_cast<std::uint8_t>(text[begin]) & 0xC0) == 0x80) --begin;
  return begin;
}

std::size_t SkipSpaceLeft(std::string_view text, std::size_t end, std::size_t stop) {
  while (end > stop) {
    const std::size_t begin = PreviousCharacter(text, end);
    if (begin < stop || !IsWhitespace(ReadUtf8(text, begin).code_point)) break;
    end = begin;
  }
  return end;
}

std::size_t SkipSpaceRight(std::string_view text, std::size_t begin) {
  while (begin < text.size()) {
    const Utf8Character character = ReadUtf8(text, begin);
    if (!IsWhitespace(character.code_point)) break;
    begin += character.size;
  }
  return begin;
}

}  // namespace headscope::worker::tokenization
