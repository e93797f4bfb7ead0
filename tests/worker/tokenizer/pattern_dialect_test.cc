#include "worker/model/tokenizer/pattern_dialect.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "worker/model/tokenizer/regex.h"

namespace headscope::worker::tokenization {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Pieces(std::string_view pattern, std::string_view text) {
  const auto translated = TranslatePattern(pattern);
  EXPECT_TRUE(translated.ok()) << translated.status();
  const auto regex = Regex::Compile(*translated);
  EXPECT_TRUE(regex.ok()) << regex.status();
  const auto pieces = regex->Isolate(text);
  EXPECT_TRUE(pieces.ok()) << pieces.status();
  return {pieces->begin(), pieces->end()};
}

TEST(PatternDialectTest, KeepsWhatMeansTheSame) {
  EXPECT_THAT(Pieces(R"(\p{N}{1,3})", "1234567"), ElementsAre("123", "456", "7"));
  EXPECT_THAT(Pieces(R"((?i:'s|'ll))", "I'LL it'S"), ElementsAre("I", "'LL", " it", "'S"));
  EXPECT_THAT(Pieces(R"(\s+(?!\S)|\s+)", "a   b"), ElementsAre("a", "  ", " ", "b"));
  EXPECT_THAT(Pieces(R"([^\r\n\p{L}]?\p{L}+|[\r\n]*\n)", "a-b\r\n"), ElementsAre("a", "-b", "\r\n"));
  EXPECT_THAT(Pieces(R"(\.\-|\p{Lu}++|a{2})", "x.-AAaaa"), ElementsAre("x", ".-", "AA", "aa", "a"));
}

TEST(PatternDialectTest, WhiteSpaceIsThatOfUnicode) {
  // U+180E is white space for PCRE2 only; U+0085 and U+3000 are for both.
  EXPECT_THAT(Pieces(R"(\s+)", "a\u180eb\u0085\u3000c"), ElementsAre("a\u180eb", "\u0085\u3000", "c"));
  EXPECT_THAT(Pieces(R"([^\s]+)", "a\u180eb c"), ElementsAre("a\u180eb", " ", "c"));
  EXPECT_THAT(Pieces(R"(\S+)", "a\u180eb c"), ElementsAre("a\u180eb", " ", "c"));
}

TEST(PatternDialectTest, RefusesWhatDiffers) {
  for (const char* pattern :
       {R"(\w+)",    R"(\h)",   R"(\v)",  R"(\bx)",  R"(\Rx)",  R"(\Kx)",      R"(\1)",    R"(\p{Greek})", R"(\pL)",
        R"(\p{^L})", R"(\x41)", ".",      "^a",      "a$",      "[[:alpha:]]", "[a&&b]",   "[]a]",         "[a",
        "[\\S]",     "(?i)a",   "(?m:a)", "(?<n>a)", "(?<=a)b", "(?#c)a",      "(*UTF8)a", "a{1,2}+",      "a{1,2}?",
        "a{,2}",     "a{x}",    "a{2",    "a+*",     "a\\",     "\\p{L"}) {
    EXPECT_TRUE(absl::IsFailedPrecondition(TranslatePattern(pattern).status())) << pattern;
  }
}

TEST(PatternDialectTest, QuotesLiteralText) {
  const auto regex = Regex::Compile(*QuotePattern(R"(a.*\E[)"));
  ASSERT_TRUE(regex.ok()) << regex.status();
  EXPECT_THAT(*regex->Isolate(R"(xa.*\E[a.)"), ElementsAre("x", R"(a.*\E[)", "a."));
}

TEST(RegexTest, RefusesAPatternThatMatchesNothing) {
  EXPECT_TRUE(absl::IsInvalidArgument(Regex::Compile("a*").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Regex::Compile("(?=a)").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Regex::Compile("(a").status()));
}

}  // namespace
}  // namespace headscope::worker::tokenization
