// What must hold of every tokenizer that loads.
#pragma once

#include <string_view>

#include "tests/fuzz/fuzz_input.h"
#include "worker/model/tokenizer/tokenizer.h"

namespace headscope::fuzz {

// Encodes `text` and decodes the ids.
inline void UseTokenizer(const worker::Tokenizer& tokenizer, std::string_view text) {
  RequireRefusal(tokenizer.Encode(text, /*add_special_tokens=*/true).status());
  const auto ids = tokenizer.Encode(text, /*add_special_tokens=*/false);
  RequireRefusal(ids.status());
  if (!ids.ok()) return;
  for (const std::int32_t id : *ids) {
    Require(id >= 0 && id < tokenizer.size(), "ids below the size");
    const auto token = tokenizer.TokenString(id);
    Require(token.has_value() && tokenizer.TokenId(*token).has_value(), "every id has its token");
  }
  RequireRefusal(tokenizer.Decode(*ids).status());
}

}  // namespace headscope::fuzz
