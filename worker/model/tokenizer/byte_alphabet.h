// The byte-level alphabet: a printable character for each of the 256 bytes, so that a vocabulary is text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace headscope::worker::tokenization {

// Printable Latin-1 bytes stand for themselves; the other 68 become U+0100 onwards in order of the byte.
void AppendByteCharacter(std::uint8_t byte, std::string& text);

// The byte that a character of the alphabet stands for; nullopt for a character outside it.
std::optional<std::uint8_t> ByteOfCharacter(std::uint32_t code_point);

}  // namespace headscope::worker::tokenization
