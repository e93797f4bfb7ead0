// Reading and writing UTF-8, strict as the Unicode standard defines it (no surrogates, no overlong forms).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headscope::worker::tokenization {

struct Utf8Character {
  std::uint32_t code_point = 0;
  // Bytes read: the character's, or for a fault those that one U+FFFD stands for (the maximal subpart). At least 1.
  std::size_t size = 1;
  bool valid = false;
};

// The character that begins at `offset`, which lies within `text`.
Utf8Character ReadUtf8(std::string_view text, std::size_t offset);

void AppendUtf8(std::uint32_t code_point, std::string& text);

// Offset of the first byte that is not part of valid UTF-8.
std::optional<std::size_t> FindInvalidUtf8(std::string_view text);

// Every maximal invalid subpart becomes one U+FFFD.
std::string ReplaceInvalidUtf8(std::string_view text);

}  // namespace headscope::worker::tokenization
