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

nlohmann::json SplitJson(const nlohmann::json& change) {
  nlohmann::json split = {
      {"type", "Split"}, {"pattern", {{"Regex", "\\s+"}}}, {"behavior", "Isolated"}, {"invert", false}};
  split.update(change);
  return {{"type", "Sequence"}, {"pretokenizers", {split, {{"type", "ByteLevel"}, {"use_regex", false}}}}};
}

std::vector<Case> Cases() {
  using Json = nlohmann::json;
  return {
      {"NormalizerNfc",
       [](Json& j) {
         j["normalizer"] = {{"type", "NFC"}};
       },
       "normalizer \"NFC\""},
      {"NormalizerSequence",
       [](Json& j) {
         j["normalizer"] = {{"type", "Sequence"}, {"normalizers", {{{"type", "Prepend"}}, {{"type", "Replace"}}}}};
       },
       "normalizer \"Sequence\" of \"Prepend\", \"Replace\""},
      {"NoPreTokenizer", [](Json& j) { j["pre_tokenizer"] = nullptr; }, "pre_tokenizer null"},
      {"Metaspace",
       [](Json& j) {
         j["pre_tokenizer"] = {{"type", "Metaspace"}};
       },
       "pre_tokenizer \"Metaspace\""},
      {"DigitsInSequence",
       [](Json& j) {
         j["pre_tokenizer"] = {{"type", "Sequence"},
                               {"pretokenizers", {{{"type", "Digits"}}, {{"type", "ByteLevel"}}}}};
       },
       "pre_tokenizer \"Digits\""},
      {"SequenceWithoutByteLevel",
       [](Json& j) {
         j["pre_tokenizer"] = SplitJson(nlohmann::json::object());
         j["pre_tokenizer"]["pretokenizers"].erase(1);
       },
       "pre_tokenizer without ByteLevel as its last step: \"Sequence\" of \"Split\""},
      {"SplitBehavior",
       [](Json& j) {
         j["pre_tokenizer"] = SplitJson({{"behavior", "Removed"}});
       },
       "pre_tokenizer Split behavior \"Removed\""},
      {"SplitInvert",
       [](Json& j) {
         j["pre_tokenizer"] = SplitJson({{"invert", true}});
       },
       "pre_tokenizer Split option invert"},
      {"SplitPattern",
       [](Json& j) {
         j["pre_tokenizer"] = SplitJson({{"pattern", {{"Regex", "\\p{Han}+"}}}});
       },
       "pre_tokenizer Split pattern construct \"\\\\p{Han}\""},
      {"Model", [](Json& j) { j["model"]["type"] = "Unigram"; }, "model \"Unigram\""},
      {"Dropout", [](Json& j) { j["model"]["dropout"] = 0.1; }, "model BPE option dropout"},
      {"Prefix", [](Json& j) { j["model"]["continuing_subword_prefix"] = "##"; },
       "model BPE option continuing_subword_prefix"},
      {"Suffix", [](Json& j) { j["model"]["end_of_word_suffix"] = "</w>"; }, "model BPE option end_of_word_suffix"},
      {"ByteFallback",
       [](Json& j) {
         j["model"]["byte_fallback"] = true;
         j["model"]["vocab"].erase("z");
       },
       "model BPE option byte_fallback without the whole byte alphabet"},
      {"PostProcessor",
       [](Json& j) {
         j["post_processor"] = {{"type", "RobertaProcessing"}};
       },
       "post_processor \"RobertaProcessing\""},
      {"NoDecoder", [](Json& j) { j.erase("decoder"); }, "decoder null"},
      {"Decoder",
       [](Json& j) {
         j["decoder"] = {{"type", "WordPiece"}};
       },
       "decoder \"WordPiece\""},
  };
}

INSTANTIATE_TEST_SUITE_P(All, UnsupportedTokenizerTest, ::testing::ValuesIn(Cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace headscope::worker
