// Character classes as the reference library's two regular-expression engines define them.
#pragma once

#include <cstdint>

namespace headscope::worker::tokenization {

// Unicode White_Space, which is `\s` there. PCRE2's own `\s` also takes U+180E, so patterns spell the class out:
// the text between the brackets of a character class.
inline constexpr char kWhitespaceClass[] =
    R"(\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";

// The same set, for one character.
bool IsWhitespace(std::uint32_t code_point);

// A word character, which is `\w` there: alphabetic, mark, decimal digit, connector punctuation or join control.
inline constexpr char kWordPattern[] = R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200c}\x{200d}])";

}  // namespace headscope::worker::tokenization
