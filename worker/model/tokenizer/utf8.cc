#include "worker/model/tokenizer/utf8.h"

namespace headscope::worker::tokenization {
namespace {

// What a lead byte promises: the length, and the bounds of the second byte (they exclude overlong forms, surrogates
// and code points beyond U+10FFFF).
struct Lead {
  std::size_t size = 0;
  std::uint8_t second_low = 0x80;
  std::uint8_t second_high = 0xBF;
};

Lead ReadLead(std::uint8_t byte) {
  if (byte < 0x80) return {1};
  if (byte < 0xC2) return {0};
  if (byte < 0xE0) return {2};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0};
}

}  // namespace

Utf8Character ReadUtf8(std::string_view text, std::size_t offset) {
  const auto first = static_cast<std::uint8_t>(text[offset]);
  const Lead lead = ReadLead(first);
  if (lead.size == 0) return {};
  if (lead.size == 1) return {first, 1, true};
  std::uint32_t code_point = first & (0x7Fu >> lead.size);
  for (std::size_t index = 1; index < lead.size; ++index) {
    if (offset + index >= text.size()) return {0, index, false};
    const auto byte = static_cast<std::uint8_t>(text[offset + index]);
    const bool second = index == 1;
    if (byte < (second ? lead.second_low : 0x80) || byte > (second ? lead.second_high : 0xBF)) return {0, index, false};
    code_point = (code_point << 6) | (byte & 0x3Fu);
  }
  return {code_point, lead.size, true};
}

void AppendUtf8(std::uint32_t code_point, std::string& text) {
  const auto append = [&text](std::uint32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    append(code_point);
  } else if (code_point < 0x800) {
    append(0xC0 | (code_point >> 6));
    append(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    append(0xE0 | (code_point >> 12));
    append(0x80 | ((code_point >> 6) & 0x3F));
    append(0x80 | (code_point & 0x3F));
  } else {
    append(0xF0 | (code_point >> 18));
    append(0x80 | ((code_point >> 12) & 0x3F));
    append(0x80 | ((code_point >> 6) & 0x3F));
    append(0x80 | (code_point & 0x3F));
  }
}

std::optional<std::size_t> FindInvalidUtf8(std::string_view text) {
  for (std::size_t offset = 0; offset < text.size();) {
    const Utf8Character character = ReadUtf8(text, offset);
    if (!character.valid) return offset;
    offset += character.size;
  }
  return std::nullopt;
}

std::string ReplaceInvalidUtf8(std::string_view text) {
  std::string replaced;
  replaced.reserve(text.size());
  for (std::size_t offset = 0; offset < text.size();) {
    const Utf8Character character = ReadUtf8(text, offset);
    AppendUtf8(character.valid ? character.code_point : 0xFFFD, replaced);
    offset += character.size;
  }
  return replaced;
}

}  // namespace headscope::worker::tokenization
