#include "worker/model/tokenizer/byte_alphabet.h"

#include <array>

#include "worker/model/tokenizer/utf8.h"

namespace headscope::worker::tokenization {
namespace {

constexpr std::uint32_t kByteCount = 256;

constexpr bool IsPrintable(std::uint32_t byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr std::array<std::uint32_t, kByteCount> MakeCharacters() {
  std::array<std::uint32_t, kByteCount> characters{};
  std::uint32_t next = kByteCount;
  for (std::uint32_t byte = 0; byte < kByteCount; ++byte) characters[byte] = IsPrintable(byte) ? byte : next++;
  return characters;
}

constexpr std::array<std::uint32_t, kByteCount> kCharacters = MakeCharacters();

}  // namespace

void AppendByteCharacter(std::uint8_t byte, std::string& text) { AppendUtf8(kCharacters[byte], text); }

std::optional<std::uint8_t> ByteOfCharacter(std::uint32_t code_point) {
  if (code_point < kByteCount) {
    if (IsPrintable(code_point)) return static_cast<std::uint8_t>(code_point);
    return std::nullopt;
  }
  for (std::uint32_t byte = 0; byte < kByteCount; ++byte) {
    if (kCharacters[byte] == code_point) return static_cast<std::uint8_t>(byte);
  }
  return std::nullopt;
}

}  // namespace headscope::worker::tokenization
