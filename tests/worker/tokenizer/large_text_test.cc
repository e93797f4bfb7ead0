// Texts that take hours where the work per word is quadratic.
#include <gtest/gtest.h>

#include "tests/worker/tokenizer/tiny_tokenizer.h"

namespace headscope::worker {
namespace {

constexpr std::size_t kBytes = 1 << 20;

TEST(LargeTextTest, OneWordOfAMegabyteIsTokenized) {
  const auto tokenizer = ParseTokenizer(TinyTokenizerJson());
  EXPECT_EQ(IdsOf(*tokenizer, std::string(kBytes, 'l')), std::vector<std::int32_t>(kBytes / 2, kLl));
}

TEST(LargeTextTest, AMegabyteOfSpacesIsTokenized) {
  const auto tokenizer = ParseTokenizer(TinyTokenizerJson());
  const auto ids = IdsOf(*tokenizer, std::string(kBytes, ' ') + "he");
  ASSERT_EQ(ids.size(), kBytes);
  EXPECT_EQ(ids.front(), ' ');
  EXPECT_EQ(ids.back(), kSpaceHe);
}

TEST(LargeTextTest, SpacesBeforeEachOfManyTokensAreTakenOnce) {
  nlohmann::json json = TinyTokenizerJson();
  json["added_tokens"] = {AddedTokenJson(kTinySize, "<a>", {"lstrip", "rstrip", "single_word"})};
  const auto tokenizer = ParseTokenizer(json);
  std::string text(kBytes, ' ');
  for (std::size_t count = 0; count < kBytes / 4; ++count) text += "<a> ";
  EXPECT_EQ(IdsOf(*tokenizer, text), std::vector<std::int32_t>(kBytes / 4, kTinySize));
}

TEST(LargeTextTest, ASplitPatternThatGivesARunBackIsFollowed) {
  nlohmann::json json = TinyTokenizerJson();
  json["pre_tokenizer"] = {
      {"type", "Sequence"},
      {"pretokenizers",
       {{{"type", "Split"}, {"pattern", {{"Regex", R"(\s*[\r\n]+|\s+(?!\S)|\s+|\S+)"}}}, {"behavior", "Isolated"}},
        {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}}}};
  const auto tokenizer = ParseTokenizer(json);
  EXPECT_EQ(IdsOf(*tokenizer, std::string(kBytes, ' ')), std::vector<std::int32_t>(kBytes, ' '));
}

TEST(LargeTextTest, AWordOfASentencePieceModelIsTheWholeText) {
  nlohmann::json json = TinyTokenizerJson();
  json["pre_tokenizer"] = nullptr;
  json["normalizer"] = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "l"}};
  const auto tokenizer = ParseTokenizer(json);
  EXPECT_EQ(IdsOf(*tokenizer, std::string(kBytes, ' ')), std::vector<std::int32_t>(kBytes / 2, kLl));
}

TEST(LargeTextTest, EachSpaceBeginsAWordOfItsOwn) {
  nlohmann::json json = TinyTokenizerJson();
  json["pre_tokenizer"] = {{"type", "Metaspace"}, {"replacement", "l"}, {"prepend_scheme", "never"}};
  const auto tokenizer = ParseTokenizer(json);
  EXPECT_EQ(IdsOf(*tokenizer, std::string(kBytes, ' ')), std::vector<std::int32_t>(kBytes, 'l'));
}

TEST(LargeTextTest, AMegabyteOfMarksIsPutInOrder) {
  nlohmann::json json = TinyTokenizerJson();
  json["normalizer"] = {{"type", "NFD"}};
  std::string text = "a";
  // Classes 230 and 220 in turn: all of the second go before all of the first.
  while (text.size() < kBytes) text += "\u0301\u0323";
  const auto ids = IdsOf(*ParseTokenizer(json), text);
  ASSERT_EQ(ids.size(), text.size());
  EXPECT_EQ(ids[1], 0xCC);
  EXPECT_EQ(ids[2], 0xA3);
  EXPECT_EQ(ids.back(), 0x81);
}

}  // namespace
}  // namespace headscope::worker
