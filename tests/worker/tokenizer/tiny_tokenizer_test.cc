#include "tests/worker/tokenizer/tiny_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headscope::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(TinyTokenizerTest, MergesInOrderOfRank) {
  const auto tokenizer = ParseTokenizer(TinyTokenizerJson());
  EXPECT_THAT(IdsOf(*tokenizer, "hello"), ElementsAre(kHello));
  // "lll": the leftmost pair merges first.
  EXPECT_THAT(IdsOf(*tokenizer, "lll"), ElementsAre(kLl, 'l'));
  // G+he (rank 4) comes after he+ll (rank 2), so the space stays alone.
  EXPECT_THAT(IdsOf(*tokenizer, " hell"), ElementsAre(' ', kHell));
  EXPECT_THAT(IdsOf(*tokenizer, "x he"), ElementsAre('x', kSpaceHe));
}

TEST(TinyTokenizerTest, DoesNotMergeAcrossWords) {
  const auto tokenizer = ParseTokenizer(TinyTokenizerJson());
  EXPECT_THAT(IdsOf(*tokenizer, "h'll"), ElementsAre('h', '\'', kLl));
  EXPECT_THAT(IdsOf(*tokenizer, "he1ll"), ElementsAre(kHe, '1', kLl));
  // The last space of a run belongs to the word behind it.
  EXPECT_THAT(IdsOf(*tokenizer, "  he"), ElementsAre(' ', kSpaceHe));
}

TEST(TinyTokenizerTest, KeepsAMongolianVowelSeparatorInTheWordAfterASpace) {
  // U+180E is no white space for the reference: " \u180e" is one word, so nothing is cut between its bytes.
  nlohmann::json json = TinyTokenizerJson();
  const std::string joined = ByteCharacter(' ') + ByteCharacter(0xE1);
  json["model"]["vocab"][joined] = kTinySize;
  json["model"]["merges"].push_back(ByteCharacter(' ') + " " + ByteCharacter(0xE1));
  EXPECT_THAT(IdsOf(*ParseTokenizer(json), " \u180e"), ElementsAre(kTinySize, 0xA0, 0x8E));
}

TEST(TinyTokenizerTest, EveryByteOfTheTextIsAToken) {
  const auto tokenizer = ParseTokenizer(TinyTokenizerJson());
  EXPECT_THAT(IdsOf(*tokenizer, "\xC3\xA9"), ElementsAre(0xC3, 0xA9));
  EXPECT_THAT(IdsOf(*tokenizer, std::string_view("\0\n", 2)), ElementsAre(0, '\n'));
  EXPECT_THAT(IdsOf(*tokenizer, ""), IsEmpty());
}

TEST(TinyTokenizerTest, AddsAPrefixSpaceToEachStretchThatHasNone) {
  nlohmann::json json = TinyTokenizerJson();
  json["pre_tokenizer"]["add_prefix_space"] = true;
  json["added_tokens"] = {AddedTokenJson(kTinySize, "<x>")};
  const auto tokenizer = ParseTokenizer(json);
  EXPECT_THAT(IdsOf(*tokenizer, "he<x>he<x> he"), ElementsAre(kSpaceHe, kTinySize, kSpaceHe, kTinySize, kSpaceHe));
  EXPECT_THAT(IdsOf(*tokenizer, ""), IsEmpty());
}

TEST(TinyTokenizerTest, KeepsTextWholeWithoutTheWordPattern) {
  nlohmann::json json = TinyTokenizerJson();
  json["pre_tokenizer"]["use_regex"] = false;
  json["model"]["vocab"]["o1"] = kTinySize;
  json["model"]["merges"].push_back("o 1");
  EXPECT_THAT(IdsOf(*ParseTokenizer(json), "o1"), ElementsAre(kTinySize));
}

TEST(TinyTokenizerTest, ReadsMergesAsPairs) {
  nlohmann::json json = TinyTokenizerJson();
  json["model"]["merges"] = nlohmann::json::parse(R"([["h", "e"], ["l", "l"], ["he", "ll"]])");
  EXPECT_THAT(IdsOf(*ParseTokenizer(json), "hello"), ElementsAre(kHell, 'o'));
}

TEST(TinyTokenizerTest, LeavesTheVersionLineOutOfTheMerges) {
  nlohmann::json json = TinyTokenizerJson();
  json["model"]["merges"].insert(json["model"]["merges"].begin(), "#version: 0.2");
  EXPECT_THAT(IdsOf(*ParseTokenizer(json), "hello"), ElementsAre(kHello));
}

TEST(TinyTokenizerTest, WorksWithoutAnyMerge) {
  nlohmann::json json = TinyTokenizerJson();
  json["model"]["merges"] = nlohmann::json::array();
  EXPECT_THAT(IdsOf(*ParseTokenizer(json), "he"), ElementsAre('h', 'e'));
}

TEST(TinyTokenizerTest, TakesAWholeWordBeforeItsMergesWhenAsked) {
  nlohmann::json json = TinyTokenizerJson();
  json["model"]["vocab"]["ello"] = kTinySize;
  EXPECT_THAT(IdsOf(*ParseTokenizer(json), "ello"), ElementsAre('e', kLl, 'o'));
  json["model"]["ignore_merges"] = true;
  EXPECT_THAT(IdsOf(*ParseTokenizer(json), "ello"), ElementsAre(kTinySize));
  EXPECT_THAT(IdsOf(*ParseTokenizer(json), "jello"), ElementsAre('j', 'e', kLl, 'o'));
}

TEST(TinyTokenizerTest, AcceptsAnUnknownTokenThatIsNeverNeeded) {
  nlohmann::json json = TinyTokenizerJson();
  for (const char* token : {"he", "", "<unk>"}) {
    json["model"]["unk_token"] = token;
    EXPECT_THAT(IdsOf(*ParseTokenizer(json), "hello"), ElementsAre(kHello));
  }
}

TEST(TinyTokenizerTest, PutsTheTokensOfAClassifierAroundTheText) {
  for (const char* type : {"BertProcessing", "RobertaProcessing"}) {
    nlohmann::json json = TinyTokenizerJson();
    json["post_processor"] = {{"type", type}, {"cls", {"a", 'a'}}, {"sep", {"b", 'b'}}};
    const auto tokenizer = ParseTokenizer(json);
    EXPECT_THAT(IdsOf(*tokenizer, "he", true), ElementsAre('a', kHe, 'b'));
    EXPECT_THAT(tokenizer->LeadingSpecialTokens(), ElementsAre('a'));
  }
}

TEST(TinyTokenizerTest, LeavesOutBytesWithoutATokenAsTheReferenceDoes) {
  nlohmann::json json = TinyTokenizerJson();
  json["model"]["vocab"].erase("x");
  EXPECT_THAT(IdsOf(*ParseTokenizer(json), "hxe"), ElementsAre(kHe));
}

TEST(TinyTokenizerTest, AppliesTheTemplateOnlyWhenSpecialTokensAreWanted) {
  nlohmann::json json = TinyTokenizerJson();
  json["added_tokens"] = {AddedTokenJson(kTinySize, "<s>", {"special"})};
  json["post_processor"] = {
      {"type", "Sequence"},
      {"processors",
       {{{"type", "ByteLevel"}},
        {{"type", "TemplateProcessing"},
         {"single",
          {{{"SpecialToken", {{"id", "<s>"}}}}, {{"Sequence", {{"id", "A"}}}}, {{"SpecialToken", {{"id", "</s>"}}}}}},
         {"special_tokens", {{"<s>", {{"ids", {kTinySize}}}}, {"</s>", {{"ids", {1, 2}}}}}}}}}};
  const auto tokenizer = ParseTokenizer(json);
  EXPECT_THAT(IdsOf(*tokenizer, "he", true), ElementsAre(kTinySize, kHe, 1, 2));
  EXPECT_THAT(IdsOf(*tokenizer, "he", false), ElementsAre(kHe));
}

TEST(TinyTokenizerTest, SaysWhereTextIsNotUtf8) {
  const auto tokenizer = ParseTokenizer(TinyTokenizerJson());
  const auto ids = tokenizer->Encode("he\xFFllo", true);
  EXPECT_TRUE(absl::IsInvalidArgument(ids.status()));
  EXPECT_THAT(std::string(ids.status().message()), HasSubstr("at byte 2 of 6"));
}

TEST(TinyTokenizerTest, DecodesIdsToText) {
  nlohmann::json json = TinyTokenizerJson();
  json["added_tokens"] = {AddedTokenJson(kTinySize, "<a b>")};
  const auto tokenizer = ParseTokenizer(json);
  EXPECT_EQ(*tokenizer->Decode({kHello, ' ', 0xC3, 0xA9, kTinySize}), "hello \xC3\xA9<a b>");
  EXPECT_EQ(*tokenizer->Decode({}), "");
  // A cut character becomes one U+FFFD.
  EXPECT_EQ(*tokenizer->Decode({0xE2, 0x82, 'a'}),
            "\xEF\xBF\xBD"
            "a");
}

TEST(TinyTokenizerTest, RefusesToDecodeAnUnknownId) {
  const auto tokenizer = ParseTokenizer(TinyTokenizerJson());
  for (const std::int32_t id : {-1, kTinySize}) {
    const auto text = tokenizer->Decode({'a', id});
    EXPECT_TRUE(absl::IsInvalidArgument(text.status()));
    EXPECT_THAT(std::string(text.status().message()), HasSubstr("at index 1"));
  }
}

TEST(TinyTokenizerTest, NamesItsTokens) {
  nlohmann::json json = TinyTokenizerJson();
  json["added_tokens"] = {AddedTokenJson(kTinySize, "<x>")};
  const auto tokenizer = ParseTokenizer(json);
  EXPECT_EQ(tokenizer->size(), kTinySize + 1);
  EXPECT_EQ(tokenizer->TokenString(kSpaceHe), ByteCharacter(' ') + "he");
  EXPECT_EQ(tokenizer->TokenString(kTinySize), "<x>");
  EXPECT_EQ(tokenizer->TokenString(kTinySize + 1), std::nullopt);
  EXPECT_EQ(tokenizer->TokenString(-1), std::nullopt);
  EXPECT_EQ(tokenizer->TokenId("<x>"), kTinySize);
  EXPECT_EQ(tokenizer->TokenId("hello"), kHello);
  EXPECT_EQ(tokenizer->TokenId("nothing"), std::nullopt);
}

}  // namespace
}  // namespace headscope::worker
