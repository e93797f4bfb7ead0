#include "worker/model/tokenizer/regex.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headscope::worker::tokenization {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The stretches of `text`, matches in brackets.
std::vector<std::string> Cut(std::string_view pattern, const std::string& text) {
  const auto regex = Regex::Compile(pattern);
  EXPECT_TRUE(regex.ok()) << regex.status();
  const auto stretches = regex->Cut(text);
  EXPECT_TRUE(stretches.ok()) << stretches.status();
  std::vector<std::string> parts;
  for (const Stretch& stretch : *stretches) {
    const std::string part = text.substr(stretch.begin, stretch.end - stretch.begin);
    parts.push_back(stretch.matched ? "[" + part + "]" : part);
  }
  return parts;
}

TEST(RegexTest, CutsTextIntoMatchesAndWhatLiesBetween) {
  EXPECT_THAT(Cut(R"(\p{N}{1,3})", "a1234567b"), ElementsAre("a", "[123]", "[456]", "[7]", "b"));
  EXPECT_THAT(Cut(R"((?i:'s|'ll))", "I'LL it'S"), ElementsAre("I", "['LL]", " it", "['S]"));
  EXPECT_THAT(Cut(R"(\s+(?!\S)|\s+)", "a   b"), ElementsAre("a", "[  ]", "[ ]", "b"));
  EXPECT_THAT(Cut("x", ""), IsEmpty());
}

TEST(RegexTest, WhiteSpaceIsThatOfUnicode) {
  // U+180E and U+200B are none.
  EXPECT_THAT(Cut(R"(\s+)", "a\u180eb\u0085\u3000\u00a0c\u200b"),
              ElementsAre("a\u180eb", "[\u0085\u3000\u00a0]", "c\u200b"));
  EXPECT_THAT(Cut(R"([^\s]+)", "a\u180eb c"), ElementsAre("[a\u180eb]", " ", "[c]"));
}

TEST(RegexTest, KnowsTheSyntaxOfTheReferencesEngine) {
  EXPECT_THAT(Cut(R"([\p{L}&&[^\p{Han}]]+)", "ab\u65e5c"), ElementsAre("[ab]", "\u65e5", "[c]"));
  EXPECT_THAT(Cut(R"((?<=a)b)", "abb"), ElementsAre("a", "[b]", "b"));
  EXPECT_THAT(Cut(R"(\h+)", "0xaF g"), ElementsAre("[0]", "x", "[aF]", " g"));
  EXPECT_THAT(Cut(R"([^(\s|[.,!?])]+)", "ab.c (d)"), ElementsAre("[ab]", ".", "[c]", " (", "[d]", ")"));
}

TEST(RegexTest, AnEmptyMatchIsFoundOnceAtEachPlace) {
  EXPECT_THAT(Cut("(?=b)", "abb"), ElementsAre("a", "[]", "b", "[]", "b"));
  EXPECT_THAT(Cut("a*", "baac"), ElementsAre("[]", "b", "[aa]", "c", "[]"));
  EXPECT_THAT(Cut("", "\u00e9"), ElementsAre("[]", "\u00e9", "[]"));
}

TEST(RegexTest, APatternThatExplodesIsGivenUp) {
  for (const char* pattern : {"(?:a+a?)+[bc]d", "(a+)+$", "(?:a|aa)+$"}) {
    const auto regex = Regex::Compile(pattern);
    ASSERT_TRUE(regex.ok());
    const auto status = regex->Cut(std::string(64, 'a') + "ce").status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << pattern;
    EXPECT_THAT(std::string(status.message()), HasSubstr("gives up at byte 0 of 66: retry-limit-in-match over"));
  }
}

TEST(RegexTest, APatternThatLooksFarAheadAtEachPlaceIsGivenUp) {
  const auto regex = Regex::Compile("a+b|a");
  ASSERT_TRUE(regex.ok());
  EXPECT_EQ(regex->Cut(std::string(1000, 'a'))->size(), 1000u);
  const auto status = regex->Cut(std::string(1 << 20, 'a')).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("too much time"));
}

TEST(RegexTest, SaysWhatIsWrongWithAPattern) {
  for (const std::string pattern : {"(a", "[a", "a{100001}", "\\p{Nothing}", "*", "\\xE2"}) {
    const auto status = Regex::Compile(pattern).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << pattern;
    EXPECT_FALSE(status.message().empty());
  }
  EXPECT_TRUE(absl::IsInvalidArgument(Regex::Compile(std::string(1 << 20, 'a')).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Regex::Compile(std::string(10'000, '(')).status()));
}

TEST(RegexTest, EscapedTextMatchesItself) {
  const std::string text = R"(a.*\E[(x|y)]{2}^$#&-~?+)";
  EXPECT_THAT(Cut(EscapePattern(text), "." + text + "a."), ElementsAre(".", "[" + text + "]", "a."));
}

}  // namespace
}  // namespace headscope::worker::tokenization
