// UTF-8 checks for everything that comes from outside.
#pragma once

#include <cstddef>
#include <string_view>

namespace headscope {

// Length of the longest valid UTF-8 prefix: text.size() when all of it is valid. Overlong forms, surrogates and code
// points beyond U+10FFFF are invalid.
std::size_t ValidUtf8Prefix(std::string_view text);

inline bool IsUtf8(std::string_view text) { return ValidUtf8Prefix(text) == text.size(); }

}  // namespace headscope
