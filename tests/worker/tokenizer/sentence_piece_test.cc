// A whole tokenizer of the sentencepiece kind, with ids derived by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/tokenizer/tiny_tokenizer.h"

namespace headscope::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::int32_t kUnknown = 0;
constexpr std::int32_t kBegin = 1;
constexpr std::int32_t kSpace = 2;
constexpr std::int32_t kA = 3;
constexpr std::int32_t kB = 4;
constexpr std::int32_t kSpaceA = 5;
constexpr std::int32_t kTwoSpaces = 6;
// <0x0A>, and the bytes of U+00E9.
constexpr std::int32_t kNewline = 7;
constexpr std::int32_t kC3 = 8;
constexpr std::int32_t kA9 = 9;

nlohmann::json SentencePieceJson() {
  const std::string mark = "\u2581";
  nlohmann::json vocab = {
      {"<unk>", kUnknown},   {"<s>", kBegin},           {mark, kSpace},       {"a", kA},       {"b", kB},
      {mark + "a", kSpaceA}, {mark + mark, kTwoSpaces}, {"<0x0A>", kNewline}, {"<0xC3>", kC3}, {"<0xA9>", kA9}};
  const nlohmann::json spaces = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", mark}};
  const nlohmann::json marks = {{"type", "Replace"}, {"pattern", {{"String", mark}}}, {"content", " "}};
  nlohmann::json json = {{"added_tokens", nlohmann::json::array()}, {"pre_tokenizer", nullptr}};
  json["added_tokens"].push_back(AddedTokenJson(kUnknown, "<unk>", {"special", "normalized"}));
  json["added_tokens"].push_back(AddedTokenJson(kBegin, "<s>", {"special", "normalized"}));
  json["normalizer"] = {{"type", "Sequence"}};
  json["normalizer"]["normalizers"] = {nlohmann::json{{"type", "Prepend"}, {"prepend", mark}}, spaces};
  json["post_processor"] = {{"type", "TemplateProcessing"},
                            {"single", {{{"SpecialToken", {{"id", "<s>"}}}}, {{"Sequence", {{"id", "A"}}}}}},
                            {"special_tokens", {{"<s>", {{"ids", {kBegin}}}}}}};
  json["decoder"] = {{"type", "Sequence"}};
  json["decoder"]["decoders"] = {marks, nlohmann::json{{"type", "ByteFallback"}}, nlohmann::json{{"type", "Fuse"}},
                                 nlohmann::json{{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}};
  json["model"] = {{"type", "BPE"},
                   {"dropout", nullptr},
                   {"unk_token", "<unk>"},
                   {"fuse_unk", true},
                   {"byte_fallback", true},
                   {"vocab", vocab},
                   {"merges", {mark + " a", mark + " " + mark}}};
  return json;
}

TEST(SentencePieceTest, TextIsOneWordWithASpaceInFront) {
  const auto tokenizer = ParseTokenizer(SentencePieceJson());
  EXPECT_THAT(IdsOf(*tokenizer, "a b"), ElementsAre(kSpaceA, kSpace, kB));
  EXPECT_THAT(IdsOf(*tokenizer, "a", true), ElementsAre(kBegin, kSpaceA));
  // The pair of the lower rank first: the second space goes to the letter.
  EXPECT_THAT(IdsOf(*tokenizer, " a"), ElementsAre(kSpace, kSpaceA));
  EXPECT_THAT(IdsOf(*tokenizer, " "), ElementsAre(kTwoSpaces));
  EXPECT_THAT(IdsOf(*tokenizer, ""), IsEmpty());
  EXPECT_THAT(IdsOf(*tokenizer, "", true), ElementsAre(kBegin));
}

TEST(SentencePieceTest, ACharacterWithoutATokenBecomesItsBytes) {
  const auto tokenizer = ParseTokenizer(SentencePieceJson());
  EXPECT_THAT(IdsOf(*tokenizer, "\u00e9\n"), ElementsAre(kSpace, kC3, kA9, kNewline));
}

TEST(SentencePieceTest, ACharacterWithoutItsBytesIsUnknown) {
  nlohmann::json json = SentencePieceJson();
  // U+00EA is C3 AA: one byte is not enough. A run of unknown characters is one token.
  EXPECT_THAT(IdsOf(*ParseTokenizer(json), "\u00ea\u65e5b"), ElementsAre(kSpace, kUnknown, kB));
  json["model"]["fuse_unk"] = false;
  EXPECT_THAT(IdsOf(*ParseTokenizer(json), "\u00ea\u65e5b"), ElementsAre(kSpace, kUnknown, kUnknown, kB));
  json["model"]["unk_token"] = nullptr;
  EXPECT_THAT(IdsOf(*ParseTokenizer(json), "\u00ea\u65e5b"), ElementsAre(kSpace, kB));
}

TEST(SentencePieceTest, BytesDoNotEndARunOfUnknownCharacters) {
  // So the reference has it: the unknown token comes where the next known character does.
  EXPECT_THAT(IdsOf(*ParseTokenizer(SentencePieceJson()), "\u00ea\nb"), ElementsAre(kSpace, kNewline, kUnknown, kB));
}

TEST(SentencePieceTest, AnUnknownTokenOutsideTheVocabularyIsRefused) {
  nlohmann::json json = SentencePieceJson();
  json["model"]["unk_token"] = "<none>";
  const auto status = Tokenizer::Parse(json.dump()).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("model.unk_token is \"<none>\""));
}

TEST(SentencePieceTest, AddedTokensAreMatchedAsTheyLookNormalized) {
  const auto tokenizer = ParseTokenizer(SentencePieceJson());
  // Normalized, the token has a space in front of it.
  EXPECT_THAT(IdsOf(*tokenizer, "<s>a"), ElementsAre(kBegin, kA));
  EXPECT_THAT(IdsOf(*tokenizer, "b <s>"), ElementsAre(kSpace, kB, kBegin));
  EXPECT_EQ(IdsOf(*tokenizer, "b<s>").back(), kUnknown);
}

TEST(SentencePieceTest, RawTokensAreMatchedWhereverTheyStand) {
  nlohmann::json json = SentencePieceJson();
  json["added_tokens"][1]["normalized"] = false;
  const auto tokenizer = ParseTokenizer(json);
  // What lies between them is normalized by itself.
  EXPECT_THAT(IdsOf(*tokenizer, "a<s>a"), ElementsAre(kSpaceA, kBegin, kSpaceA));
}

TEST(SentencePieceTest, DecodesToTheText) {
  const auto tokenizer = ParseTokenizer(SentencePieceJson());
  for (const std::string text : {"a b", " a", "\u00e9\n", "", "  "}) {
    EXPECT_EQ(*tokenizer->Decode(IdsOf(*tokenizer, text)), text);
  }
  EXPECT_EQ(*tokenizer->Decode({kC3}), "\uFFFD");
}

TEST(SentencePieceTest, MetaspaceFirstPrefixesTheTextOnly) {
  nlohmann::json json = SentencePieceJson();
  json["normalizer"] = nullptr;
  json["added_tokens"][1]["normalized"] = false;
  json["pre_tokenizer"] = {
      {"type", "Metaspace"}, {"replacement", "\u2581"}, {"prepend_scheme", "first"}, {"split", false}};
  const auto tokenizer = ParseTokenizer(json);
  EXPECT_THAT(IdsOf(*tokenizer, "a<s>a a"), ElementsAre(kSpaceA, kBegin, kA, kSpaceA));
  EXPECT_THAT(IdsOf(*tokenizer, "<s>a"), ElementsAre(kBegin, kA));
}

TEST(SentencePieceTest, MetaspaceFirstIsRefusedWhereTheStartMoves) {
  nlohmann::json json = SentencePieceJson();
  json["pre_tokenizer"] = {{"type", "Metaspace"}, {"replacement", "\u2581"}, {"prepend_scheme", "first"}};
  const auto status = Tokenizer::Parse(json.dump()).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("prepend_scheme \"first\""));
}

TEST(SentencePieceTest, AnAddedTokenThatTheNormalizerTakesAwayIsRefused) {
  nlohmann::json json = SentencePieceJson();
  json["normalizer"] = {{"type", "Strip"}, {"strip_left", true}, {"strip_right", true}};
  json["added_tokens"].push_back(AddedTokenJson(10, "\n", {"normalized"}));
  const auto status = Tokenizer::Parse(json.dump()).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("leaves nothing of \"\\n\""));
}

}  // namespace
}  // namespace headscope::worker
