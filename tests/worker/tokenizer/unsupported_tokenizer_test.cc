// Components that would need other code are refused by their name, never worked around.
#include <functional>
#include <ostream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/tokenizer/tiny_tokenizer.h"

namespace headscope::worker {
namespace {

using ::testing::HasSubstr;

struct Case {
  std::string name;
  std::function<void(nlohmann::json&)> change;
  std::string wanted;

  friend void PrintTo(const Case& value, std::ostream* out) { *out << value.name; }
};

class UnsupportedTokenizerTest : public ::testing::TestWithParam<Case> {};

TEST_P(UnsupportedTokenizerTest, IsRefusedByName) {
  nlohmann::json json = TinyTokenizerJson();
  GetParam().change(json);
  const auto status = Tokenizer::Parse(json.dump()).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_EQ(std::string(status.message()),
            "tokenizer.json: " + GetParam().wanted + " is not supported yet; send token_ids instead");
}

std::vector<Case> Cases() {
  using Json = nlohmann::json;
  return {
      {"Normalizer",
       [](Json& j) {
         j["normalizer"] = {{"type", "BertNormalizer"}};
       },
       "normalizer \"BertNormalizer\""},
      {"NormalizerInSequence",
       [](Json& j) {
         j["normalizer"] = {{"type", "Sequence"}, {"normalizers", {{{"type", "NFC"}}, {{"type", "Precompiled"}}}}};
       },
       "normalizer.normalizers[1] \"Precompiled\""},
      {"ReplaceWithGroups",
       [](Json& j) {
         j["normalizer"] = {{"type", "Replace"}, {"pattern", {{"Regex", "(a)"}}}, {"content", "$1"}};
       },
       "normalizer.content \"$1\""},
      {"PreTokenizer",
       [](Json& j) {
         j["pre_tokenizer"] = {{"type", "UnicodeScripts"}};
       },
       "pre_tokenizer \"UnicodeScripts\""},
      {"PreTokenizerInSequence",
       [](Json& j) {
         j["pre_tokenizer"] = {{"type", "Sequence"},
                               {"pretokenizers", {{{"type", "ByteLevel"}}, {{"type", "CharDelimiterSplit"}}}}};
       },
       "pre_tokenizer.pretokenizers[1] \"CharDelimiterSplit\""},
      {"SplitBehavior",
       [](Json& j) {
         j["pre_tokenizer"] = {{"type", "Split"}, {"pattern", {{"String", "a"}}}, {"behavior", "Doubled"}};
       },
       "pre_tokenizer.behavior \"Doubled\""},
      {"PrependScheme",
       [](Json& j) {
         j["pre_tokenizer"] = {{"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", "last"}};
       },
       "pre_tokenizer.prepend_scheme \"last\""},
      {"Model", [](Json& j) { j["model"]["type"] = "Unigram"; }, "model \"Unigram\""},
      {"Dropout", [](Json& j) { j["model"]["dropout"] = 0.1; }, "model BPE option dropout"},
      {"Prefix", [](Json& j) { j["model"]["continuing_subword_prefix"] = "##"; },
       "model BPE option continuing_subword_prefix"},
      {"Suffix", [](Json& j) { j["model"]["end_of_word_suffix"] = "</w>"; }, "model BPE option end_of_word_suffix"},
      {"PostProcessor",
       [](Json& j) {
         j["post_processor"] = {{"type", "Other"}};
       },
       "post_processor \"Other\""},
      {"Decoder",
       [](Json& j) {
         j["decoder"] = {{"type", "WordPiece"}};
       },
       "decoder \"WordPiece\""},
      {"DecoderInSequence",
       [](Json& j) {
         j["decoder"] = {{"type", "Sequence"}, {"decoders", {{{"type", "Fuse"}}, {{"type", "CTC"}}}}};
       },
       "decoder.decoders[1] \"CTC\""},
  };
}

INSTANTIATE_TEST_SUITE_P(All, UnsupportedTokenizerTest, ::testing::ValuesIn(Cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace headscope::worker
