#include "worker/model/tokenizer/pre_tokenizer.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headscope::worker::tokenization {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> Words(const Json& component, const std::string& text, bool starts_text = true) {
  const auto steps = LoadPreTokenizers({{"pre_tokenizer", component}});
  EXPECT_TRUE(steps.ok()) << steps.status();
  if (!steps.ok()) return {};
  const auto pieces = PreTokenize(*steps, {.text = text, .starts_text = starts_text});
  EXPECT_TRUE(pieces.ok()) << pieces.status();
  std::vector<std::string> words;
  for (const Piece& piece : *pieces) words.push_back(piece.text);
  return words;
}

Json Split(const Json& pattern, const std::string& behavior, bool invert = false) {
  return {{"type", "Split"}, {"pattern", pattern}, {"behavior", behavior}, {"invert", invert}};
}

Json Sequence(const std::vector<Json>& parts) { return {{"type", "Sequence"}, {"pretokenizers", parts}}; }

TEST(SplitTest, HasEveryBehavior) {
  const Json dash = {{"String", "-"}};
  const std::string text = "the-final--countdown";
  EXPECT_THAT(Words(Split(dash, "Removed"), text), ElementsAre("the", "final", "countdown"));
  EXPECT_THAT(Words(Split(dash, "Isolated"), text), ElementsAre("the", "-", "final", "-", "-", "countdown"));
  EXPECT_THAT(Words(Split(dash, "MergedWithPrevious"), text), ElementsAre("the-", "final-", "-", "countdown"));
  EXPECT_THAT(Words(Split(dash, "MergedWithNext"), text), ElementsAre("the", "-final", "-", "-countdown"));
  EXPECT_THAT(Words(Split(dash, "Contiguous"), text), ElementsAre("the", "-", "final", "--", "countdown"));
}

TEST(SplitTest, KeepsMatchesAtTheEndsInEveryBehavior) {
  const Json dash = {{"String", "-"}};
  EXPECT_THAT(Words(Split(dash, "Removed"), "-a-"), ElementsAre("a"));
  EXPECT_THAT(Words(Split(dash, "MergedWithPrevious"), "-a-"), ElementsAre("-", "a-"));
  EXPECT_THAT(Words(Split(dash, "MergedWithNext"), "-a-"), ElementsAre("-a", "-"));
  EXPECT_THAT(Words(Split(dash, "Contiguous"), "--a--"), ElementsAre("--", "a", "--"));
  EXPECT_THAT(Words(Split(dash, "Removed"), "--"), IsEmpty());
}

TEST(SplitTest, InvertTurnsMatchesAndTheRestAround) {
  const Json word = {{"Regex", R"(\w+|[^\w\s]+)"}};
  const std::string text = "How are you doing?";
  EXPECT_THAT(Words(Split(word, "Removed", true), text), ElementsAre("How", "are", "you", "doing", "?"));
  EXPECT_THAT(Words(Split(word, "MergedWithPrevious", true), text), ElementsAre("How ", "are ", "you ", "doing", "?"));
  EXPECT_THAT(Words(Split(word, "MergedWithNext", true), text), ElementsAre("How", " are", " you", " doing", "?"));
  EXPECT_THAT(Words(Split(word, "Contiguous", true), text), ElementsAre("How", " ", "are", " ", "you", " ", "doing?"));
}

TEST(SplitTest, TakesAStringAsItIs) {
  EXPECT_THAT(Words(Split({{"String", ".*"}}, "Isolated"), "a.*b"), ElementsAre("a", ".*", "b"));
  EXPECT_THAT(Words(Split({{"Regex", ".*"}}, "Isolated"), "a.*b"), ElementsAre("a.*b"));
}

TEST(SplitTest, ALookAheadCutsWithoutTakingText) {
  EXPECT_THAT(Words(Split({{"Regex", R"((?=\p{Lu}))"}}, "Isolated"), "oneTwoThree"),
              ElementsAre("one", "Two", "Three"));
}

TEST(DigitsTest, AreTakenByRunOrOneByOne) {
  // Every numeric character counts: U+00BD is one half, U+0663 an Arabic three.
  const std::string text = "a12\u00bd b\u0663";
  EXPECT_THAT(Words({{"type", "Digits"}}, text), ElementsAre("a", "12\u00bd", " b", "\u0663"));
  EXPECT_THAT(Words({{"type", "Digits"}, {"individual_digits", true}}, text),
              ElementsAre("a", "1", "2", "\u00bd", " b", "\u0663"));
}

TEST(PunctuationTest, IsIsolatedUnlessToldOtherwise) {
  EXPECT_THAT(Words({{"type", "Punctuation"}}, "a+b?!\u3002"), ElementsAre("a", "+", "b", "?", "!", "\u3002"));
  EXPECT_THAT(Words({{"type", "Punctuation"}, {"behavior", "Contiguous"}}, "a?!b"), ElementsAre("a", "?!", "b"));
  // A currency sign beyond ASCII is a symbol.
  EXPECT_THAT(Words({{"type", "Punctuation"}}, "$1\u20ac1"), ElementsAre("$", "1\u20ac1"));
}

TEST(WhitespaceTest, SeparatesWordsFromOtherRuns) {
  EXPECT_THAT(Words({{"type", "Whitespace"}}, " Hey, man\u0301_1!?\t\u3000x"),
              ElementsAre("Hey", ",", "man\u0301_1", "!?", "x"));
  EXPECT_THAT(Words({{"type", "WhitespaceSplit"}}, " Hey, man!\t\u3000x"), ElementsAre("Hey,", "man!", "x"));
  EXPECT_THAT(Words({{"type", "Whitespace"}}, " \n"), IsEmpty());
}

TEST(MetaspaceTest, PrependsAlwaysFirstOrNever) {
  const auto metaspace = [](const std::string& scheme) -> Json {
    return {{"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", scheme}};
  };
  EXPECT_THAT(Words(metaspace("always"), "Hey  you", false), ElementsAre("_Hey", "_", "_you"));
  EXPECT_THAT(Words(metaspace("first"), "Hey you"), ElementsAre("_Hey", "_you"));
  EXPECT_THAT(Words(metaspace("first"), "Hey you", false), ElementsAre("Hey", "_you"));
  EXPECT_THAT(Words(metaspace("never"), "Hey you"), ElementsAre("Hey", "_you"));
  EXPECT_THAT(Words(metaspace("always"), " Hey "), ElementsAre("_Hey", "_"));
}

TEST(MetaspaceTest, KeepsThePieceWholeWithoutSplit) {
  EXPECT_THAT(Words({{"type", "Metaspace"}, {"replacement", "\u2581"}, {"split", false}}, "Hey  you"),
              ElementsAre("\u2581Hey\u2581\u2581you"));
}

TEST(MetaspaceTest, ReadsTheOlderFlag) {
  const auto metaspace = [](bool flag) -> Json {
    return {{"type", "Metaspace"}, {"replacement", "_"}, {"str_rep", "_"}, {"add_prefix_space", flag}};
  };
  EXPECT_THAT(Words(metaspace(true), "Hey"), ElementsAre("_Hey"));
  EXPECT_THAT(Words(metaspace(false), "Hey"), ElementsAre("Hey"));
}

TEST(MetaspaceTest, AnOlderFlagThatContradictsTheSchemeIsRefused) {
  const auto status =
      LoadPreTokenizers(
          {{"pre_tokenizer",
            {{"type", "Metaspace"}, {"replacement", "_"}, {"add_prefix_space", false}, {"prepend_scheme", "first"}}}})
          .status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("add_prefix_space false and prepend_scheme \"first\""));
}

TEST(SequenceTest, EachStepWorksOnThePiecesOfTheOneBefore) {
  const Json steps = Sequence({{{"type", "Digits"}, {"individual_digits", true}},
                               Sequence({Split({{"String", " "}}, "MergedWithNext")}),
                               {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}});
  EXPECT_THAT(Words(steps, "a b12"), ElementsAre("a", "\u0120b", "1", "2"));
}

TEST(SequenceTest, OnlyThePieceAtTheStartIsFirst) {
  const Json steps = Sequence(
      {{{"type", "WhitespaceSplit"}}, {{"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", "first"}}});
  EXPECT_THAT(Words(steps, "a b"), ElementsAre("_a", "b"));
  EXPECT_THAT(Words(steps, " a b"), ElementsAre("a", "b"));
}

TEST(SequenceTest, WithoutAPreTokenizerTextIsOneWord) {
  EXPECT_THAT(Words(nullptr, "a b 1"), ElementsAre("a b 1"));
  EXPECT_THAT(Words(Sequence({}), "a b 1"), ElementsAre("a b 1"));
}

}  // namespace
}  // namespace headscope::worker::tokenization
