#include "worker/runtime/token_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/support/limits.h"
#include "proto/support/utf8.h"
#include "tests/worker/tokenizer/tiny_tokenizer.h"

namespace headscope::worker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(RecordTokensTest, MarksWhatAnEngineSupervises) {
  // Of a row with prompt_tokens 0 the first token is predicted from nothing.
  const TokenRecord record =
      RecordTokens({{.ids = {4, 5, 6, 7}, .prompt_tokens = 3}, {.ids = {8, 9}, .prompt_tokens = 0}}, nullptr);
  EXPECT_THAT(record.ids, ElementsAre(4, 5, 6, 7, 8, 9));
  EXPECT_EQ(record.response_mask, std::string("\0\0\0\1\0\1", 6));
  EXPECT_THAT(record.strings, IsEmpty());
}

TEST(RecordTokensTest, StringsAreTheVocabularys) {
  const auto tokenizer = ParseTokenizer(TinyTokenizerJson());
  const TokenRecord record = RecordTokens({{.ids = {kHello, ' ', kTinySize}, .prompt_tokens = 1}}, tokenizer.get());
  EXPECT_THAT(record.strings, ElementsAre("hello", "\u0120", "")) << "the tokenizer does not know the last";
}

TEST(RecordTokensTest, LongStringsAreCutBetweenCharacters) {
  nlohmann::json json = TinyTokenizerJson();
  std::string name = "x";
  for (std::size_t i = 0; i < kMaxTokenStringBytes; ++i) name += "\u20ac";
  json["added_tokens"] = {AddedTokenJson(kTinySize, name, {"special"})};
  const auto tokenizer = ParseTokenizer(json);
  const TokenRecord record = RecordTokens({{.ids = {'A', kTinySize}, .prompt_tokens = 1}}, tokenizer.get());
  EXPECT_EQ(record.strings[1], name.substr(0, 1 + 3 * ((kMaxTokenStringBytes - 1) / 3)));
}

TEST(RecordBytesTest, CountsArraysAndStrings) {
  EXPECT_EQ(RecordBytes({.ids = {1, 2}, .response_mask = std::string(2, 1)}), 2 * 5u);
  EXPECT_EQ(RecordBytes({.ids = {1, 2}, .response_mask = std::string(2, 1), .strings = {"abc", ""}}), 2 * 9u + 3);
}

}  // namespace
}  // namespace headscope::worker
