#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/tokenizer/tiny_tokenizer.h"

namespace headscope::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::int32_t kFirst = kTinySize;
constexpr std::int32_t kSecond = kTinySize + 1;

std::unique_ptr<const Tokenizer> WithTokens(std::vector<nlohmann::json> tokens) {
  nlohmann::json json = TinyTokenizerJson();
  json["added_tokens"] = std::move(tokens);
  return ParseTokenizer(json);
}

TEST(AddedTokensTest, AreMatchedWhetherSpecialOrNot) {
  const auto tokenizer = WithTokens({AddedTokenJson(kFirst, "<a>", {"special"}), AddedTokenJson(kSecond, "<b>")});
  EXPECT_THAT(IdsOf(*tokenizer, "h<a>he<b>"), ElementsAre('h', kFirst, kHe, kSecond));
}

TEST(AddedTokensTest, LongestOfThoseThatBeginLeftmostWins) {
  const auto tokenizer = WithTokens({AddedTokenJson(kFirst, "ab"), AddedTokenJson(kSecond, "abc")});
  EXPECT_THAT(IdsOf(*tokenizer, "abcab"), ElementsAre(kSecond, kFirst));
  EXPECT_THAT(IdsOf(*tokenizer, "aab"), ElementsAre('a', kFirst));
}

TEST(AddedTokensTest, LstripTakesTheSpaceOnTheLeft) {
  const auto tokenizer = WithTokens({AddedTokenJson(kFirst, "<a>", {"lstrip"})});
  EXPECT_THAT(IdsOf(*tokenizer, "h \t\n<a> h"), ElementsAre('h', kFirst, ' ', 'h'));
  // U+3000 is white space, U+180E is not.
  EXPECT_THAT(IdsOf(*tokenizer, "h\u3000<a>"), ElementsAre('h', kFirst));
  EXPECT_THAT(IdsOf(*tokenizer, "\u180e<a>"), ElementsAre(0xE1, 0xA0, 0x8E, kFirst));
}

TEST(AddedTokensTest, RstripTakesTheSpaceOnTheRight) {
  const auto tokenizer = WithTokens({AddedTokenJson(kFirst, "<a>", {"rstrip"})});
  EXPECT_THAT(IdsOf(*tokenizer, "h <a> \u00a0h"), ElementsAre('h', ' ', kFirst, 'h'));
  EXPECT_THAT(IdsOf(*tokenizer, "<a>  "), ElementsAre(kFirst));
}

TEST(AddedTokensTest, SpaceTakenByOneTokenIsNotTakenTwice) {
  const auto tokenizer =
      WithTokens({AddedTokenJson(kFirst, "<a>", {"rstrip"}), AddedTokenJson(kSecond, "<b>", {"lstrip"})});
  EXPECT_THAT(IdsOf(*tokenizer, "<a>  <b>h"), ElementsAre(kFirst, kSecond, 'h'));
}

TEST(AddedTokensTest, SingleWordIsNotMatchedInsideAWord) {
  const auto tokenizer = WithTokens({AddedTokenJson(kFirst, "ell", {"single_word"})});
  EXPECT_THAT(IdsOf(*tokenizer, "hello"), ElementsAre(kHello));
  EXPECT_THAT(IdsOf(*tokenizer, "ello"), ElementsAre('e', kLl, 'o'));
  EXPECT_THAT(IdsOf(*tokenizer, "_ell"), ElementsAre('_', 'e', kLl));
  EXPECT_THAT(IdsOf(*tokenizer, "(ell)"), ElementsAre('(', kFirst, ')'));
  EXPECT_THAT(IdsOf(*tokenizer, "ell"), ElementsAre(kFirst));
  // A letter of several bytes is a word character too.
  EXPECT_THAT(IdsOf(*tokenizer, "\u00e9ell"), ElementsAre(0xC3, 0xA9, 'e', kLl));
}

TEST(AddedTokensTest, RawTokensAreMatchedBeforeNormalizedOnes) {
  // "a<b" is longer and begins further left, but is looked for only in what the raw tokens leave.
  const auto tokenizer = WithTokens({AddedTokenJson(kFirst, "a<b", {"normalized"}), AddedTokenJson(kSecond, "<b>")});
  EXPECT_THAT(IdsOf(*tokenizer, "a<b>"), ElementsAre('a', kSecond));
  EXPECT_THAT(IdsOf(*tokenizer, "a<bo"), ElementsAre(kFirst, 'o'));
}

TEST(AddedTokensTest, OfTheSameNormalizedContentASpecialOneIsMatched) {
  nlohmann::json json = TinyTokenizerJson();
  json["normalizer"] = {{"type", "Lowercase"}};
  json["added_tokens"] = {AddedTokenJson(kFirst, "<A>", {"normalized"}),
                          AddedTokenJson(kSecond, "<a>", {"normalized", "special"})};
  EXPECT_THAT(IdsOf(*ParseTokenizer(json), "<A><a>"), ElementsAre(kSecond, kSecond));
  json["added_tokens"][1]["special"] = false;
  EXPECT_THAT(IdsOf(*ParseTokenizer(json), "<A><a>"), ElementsAre(kFirst, kFirst));
}

TEST(AddedTokensTest, MayNameATokenOfTheVocabulary) {
  const auto tokenizer = WithTokens({AddedTokenJson(kHell, "hell")});
  EXPECT_THAT(IdsOf(*tokenizer, "hello"), ElementsAre(kHell, 'o'));
  EXPECT_EQ(tokenizer->size(), kTinySize);
}

TEST(AddedTokensTest, EmptyContentIsLeftOut) {
  const auto tokenizer = WithTokens({AddedTokenJson(7, ""), AddedTokenJson(kFirst, "<a>")});
  EXPECT_THAT(IdsOf(*tokenizer, "h<a>"), ElementsAre('h', kFirst));
}

TEST(AddedTokensTest, FlagsMayBeAbsent) {
  const auto tokenizer = WithTokens({{{"id", kFirst}, {"content", "<a>"}}});
  EXPECT_THAT(IdsOf(*tokenizer, " <a> "), ElementsAre(' ', kFirst, ' '));
}

TEST(AddedTokensTest, AnIdTheReferenceWouldNotGiveIsRefused) {
  for (const auto& token : {AddedTokenJson(kFirst + 5, "<a>"), AddedTokenJson(3, "<a>"), AddedTokenJson(kHe, "hell")}) {
    nlohmann::json json = TinyTokenizerJson();
    json["added_tokens"] = {token};
    const auto status = Tokenizer::Parse(json.dump()).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << token;
    EXPECT_THAT(std::string(status.message()), HasSubstr("the reference library gives it"));
  }
}

}  // namespace
}  // namespace headscope::worker
