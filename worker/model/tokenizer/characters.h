// Character classes of the reference library's second engine, which it uses where a file gives no pattern.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headscope::worker::tokenization {

// Unicode White_Space, which is `\s` there (and in every pattern).
bool IsWhitespace(std::uint32_t code_point);

// Start of the character that ends at `end`, which is not 0.
std::size_t PreviousCharacter(std::string_view text, std::size_t end);

// Where the white space begins that ends at `end`, not before `stop`.
std::size_t SkipSpaceLeft(std::string_view text, std::size_t end, std::size_t stop);

// Where the white space ends that begins at `begin`.
std::size_t SkipSpaceRight(std::string_view text, std::size_t begin);

// A word character, which is `\w` there: alphabetic, mark, decimal digit, connector punctuation or join control. The
// text between the brackets of a character class.
inline constexpr char kWordClass[] = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200c}\x{200d})";

}  // namespace headscope::worker::tokenization
