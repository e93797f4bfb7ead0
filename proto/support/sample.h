// A sample as a plain value: what client, server and worker mean by it.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace headscope {

struct TextPair {
  std::string prompt;
  std::string response;
  friend bool operator==(const TextPair&, const TextPair&) = default;
};

struct TokenIds {
  std::vector<std::uint32_t> ids;
  // Leading ids that are prompt.
  std::uint32_t prompt_tokens = 0;
  friend bool operator==(const TokenIds&, const TokenIds&) = default;
};

// Everything but the first token is response.
struct PlainText {
  std::string text;
  friend bool operator==(const PlainText&, const PlainText&) = default;
};

struct Sample {
  std::string id;
  std::variant<TextPair, TokenIds, PlainText> input;
  friend bool operator==(const Sample&, const Sample&) = default;
};

}  // namespace headscope
