#include "tests/worker/tokenizer/tiny_tokenizer.h"

#include <gtest/gtest.h>

namespace headscope::worker {

// Written anew, so that a fault in the product's table shows.
std::string ByteCharacter(int byte) {
  int code_point = byte;
  if (byte <= 0x20) {
    code_point = 256 + byte;
  } else if (byte >= 0x7F && byte <= 0xA0) {
    code_point = 256 + 33 + (byte - 0x7F);
  } else if (byte == 0xAD) {
    code_point = 256 + 67;
  }
  if (code_point < 0x80) return std::string(1, static_cast<char>(code_point));
  return {static_cast<char>(0xC0 | (code_point >> 6)), static_cast<char>(0x80 | (code_point & 0x3F))};
}

nlohmann::json TinyTokenizerJson() {
  nlohmann::json vocab;
  for (int byte = 0; byte < 256; ++byte) vocab[ByteCharacter(byte)] = byte;
  const std::string space = ByteCharacter(' ');
  vocab["he"] = kHe;
  vocab["ll"] = kLl;
  vocab["hell"] = kHell;
  vocab["hello"] = kHello;
  vocab[space + "he"] = kSpaceHe;
  const nlohmann::json byte_level = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}};
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", nlohmann::json::array()},
          {"normalizer", nullptr},
          {"pre_tokenizer", byte_level},
          {"post_processor", byte_level},
          {"decoder", byte_level},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"vocab", vocab},
            {"merges", {"h e", "l l", "he ll", "hell o", space + " he"}}}}};
}

nlohmann::json AddedTokenJson(std::int32_t id, std::string_view content, const std::vector<std::string>& flags) {
  nlohmann::json token = {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
                          {"rstrip", false}, {"normalized", false}, {"special", false}};
  for (const std::string& flag : flags) token[flag] = true;
  return token;
}

std::unique_ptr<const Tokenizer> ParseTokenizer(const nlohmann::json& json) {
  auto tokenizer = Tokenizer::Parse(json.dump());
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  return tokenizer.ok() ? *std::move(tokenizer) : nullptr;
}

std::vector<std::int32_t> IdsOf(const Tokenizer& tokenizer, std::string_view text, bool add_special_tokens) {
  auto ids = tokenizer.Encode(text, add_special_tokens);
  EXPECT_TRUE(ids.ok()) << ids.status();
  return ids.ok() ? *std::move(ids) : std::vector<std::int32_t>{-1};
}

}  // namespace headscope::worker
