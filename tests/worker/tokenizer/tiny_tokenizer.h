// A byte-level tokenizer small enough to know by heart.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "worker/model/tokenizer/tokenizer.h"

namespace headscope::worker {

// Ids of the tokens that the merges make. The byte B has id B; "G" below is the alphabet's character of the space.
inline constexpr std::int32_t kHe = 256;       // h e, rank 0
inline constexpr std::int32_t kLl = 257;       // l l, rank 1
inline constexpr std::int32_t kHell = 258;     // he ll, rank 2
inline constexpr std::int32_t kHello = 259;    // hell o, rank 3
inline constexpr std::int32_t kSpaceHe = 260;  // G he, rank 4
inline constexpr std::int32_t kTinySize = 261;

// The alphabet's character of a byte, as UTF-8.
std::string ByteCharacter(int byte);

// The file's content as JSON: no added tokens, no special tokens, ByteLevel everywhere.
nlohmann::json TinyTokenizerJson();

// One entry for "added_tokens" with every flag false but those named in `flags`.
nlohmann::json AddedTokenJson(std::int32_t id, std::string_view content, const std::vector<std::string>& flags = {});

// Parses; a failed parse is a test failure and gives nullptr.
std::unique_ptr<const Tokenizer> ParseTokenizer(const nlohmann::json& json);

// Ids of `text`; a failed encode is a test failure and gives {-1}.
std::vector<std::int32_t> IdsOf(const Tokenizer& tokenizer, std::string_view text, bool add_special_tokens = false);

}  // namespace headscope::worker
