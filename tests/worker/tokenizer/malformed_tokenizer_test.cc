// Hostile and broken files end in INVALID_ARGUMENT that names the place.
#include <functional>
#include <ostream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/tokenizer/tiny_tokenizer.h"
#include "worker/model/tokenizer/json_fields.h"

namespace headscope::worker {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Case {
  std::string name;
  std::function<void(nlohmann::json&)> spoil;
  std::string wanted;

  friend void PrintTo(const Case& value, std::ostream* out) { *out << value.name; }
};

class MalformedTokenizerTest : public ::testing::TestWithParam<Case> {};

TEST_P(MalformedTokenizerTest, IsRefusedWithItsPlace) {
  nlohmann::json json = TinyTokenizerJson();
  GetParam().spoil(json);
  const auto status = Tokenizer::Parse(json.dump()).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(std::string(status.message()), StartsWith("tokenizer.json: "));
  EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam().wanted));
}

std::vector<Case> Cases() {
  using Json = nlohmann::json;
  return {
      {"ModelMissing", [](Json& j) { j.erase("model"); }, "model is missing"},
      {"ModelNoObject", [](Json& j) { j["model"] = 7; }, "model is number"},
      {"ModelTypeNoString", [](Json& j) { j["model"]["type"] = 7; }, "model.type is number"},
      {"VocabMissing", [](Json& j) { j["model"].erase("vocab"); }, "model.vocab is missing"},
      {"VocabList", [](Json& j) { j["model"]["vocab"] = Json::array(); }, "model.vocab is array"},
      {"IdNegative", [](Json& j) { j["model"]["vocab"]["q"] = -1; }, "model.vocab[\"q\"] is -1"},
      {"IdHuge", [](Json& j) { j["model"]["vocab"]["q"] = 2147483647; }, "is 2147483647"},
      {"IdBeyond64Bits", [](Json& j) { j["model"]["vocab"]["q"] = 18446744073709551615u; }, "18446744073709551615"},
      {"IdText", [](Json& j) { j["model"]["vocab"]["q"] = "1"; }, "model.vocab[\"q\"] is string"},
      {"IdFraction", [](Json& j) { j["model"]["vocab"]["q"] = 1.5; }, "model.vocab[\"q\"] is number"},
      {"IdTwice", [](Json& j) { j["model"]["vocab"]["qq"] = 5; }, "id 5 belongs to both"},
      {"MergesMissing", [](Json& j) { j["model"].erase("merges"); }, "model.merges is missing"},
      {"MergesText", [](Json& j) { j["model"]["merges"] = "h e"; }, "model.merges is string"},
      {"MergeUnknownPart", [](Json& j) { j["model"]["merges"][1] = "he zz"; }, "model.merges[1] needs \"zz\""},
      {"MergeUnknownWhole", [](Json& j) { j["model"]["merges"][0] = "a b"; }, "model.merges[0] needs \"ab\""},
      {"MergeOnePart", [](Json& j) { j["model"]["merges"][0] = "he"; }, "model.merges[0] is \"he\""},
      {"MergeThreeParts", [](Json& j) { j["model"]["merges"][0] = "h e l"; }, "model.merges[0] is \"h e l\""},
      {"MergeTriple",
       [](Json& j) {
         j["model"]["merges"][0] = {"h", "e", "l"};
       },
       "model.merges[0] is neither"},
      {"MergeNumber", [](Json& j) { j["model"]["merges"][0] = 4; }, "model.merges[0] is neither"},
      {"UnkNoString", [](Json& j) { j["model"]["unk_token"] = 4; }, "model.unk_token is number"},
      {"FlagNoBool", [](Json& j) { j["model"]["ignore_merges"] = 1; }, "model.ignore_merges is number"},
      {"PreTokenizerText", [](Json& j) { j["pre_tokenizer"] = "ByteLevel"; }, "pre_tokenizer.type is missing"},
      {"PreTokenizerFlag", [](Json& j) { j["pre_tokenizer"]["use_regex"] = "no"; }, "pre_tokenizer.use_regex"},
      {"PostProcessorList", [](Json& j) { j["post_processor"] = Json::array(); }, "post_processor.type is missing"},
      {"TemplateEmpty",
       [](Json& j) {
         j["post_processor"] = {{"type", "TemplateProcessing"}};
       },
       "post_processor.single"},
      {"TemplateUnknownToken",
       [](Json& j) {
         j["post_processor"] = {{"type", "TemplateProcessing"},
                                {"single", {{{"SpecialToken", {{"id", "<s>"}}}}, {{"Sequence", {{"id", "A"}}}}}},
                                {"special_tokens", Json::object()}};
       },
       "post_processor.special_tokens[\"<s>\"] is missing"},
      {"TemplateTwice",
       [](Json& j) {
         j["post_processor"] = {{"type", "TemplateProcessing"},
                                {"single", {{{"Sequence", {{"id", "A"}}}}, {{"Sequence", {{"id", "A"}}}}}}};
       },
       "sequence A exactly once"},
      {"PatternMissing",
       [](Json& j) {
         j["pre_tokenizer"] = {{"type", "Split"}, {"behavior", "Isolated"}};
       },
       "pre_tokenizer.pattern is missing"},
      {"PatternBroken",
       [](Json& j) {
         j["pre_tokenizer"] = {{"type", "Split"}, {"pattern", {{"Regex", "(a"}}}, {"behavior", "Isolated"}};
       },
       "pre_tokenizer.pattern \"(a\": end pattern with unmatched parenthesis"},
      {"PatternHuge",
       [](Json& j) {
         j["normalizer"] = {{"type", "Replace"}, {"pattern", {{"Regex", std::string(100'000, 'a')}}}, {"content", ""}};
       },
       "normalizer.pattern"},
      {"ReplacementOfTwoCharacters",
       [](Json& j) {
         j["pre_tokenizer"] = {{"type", "Metaspace"}, {"replacement", "__"}};
       },
       "pre_tokenizer.replacement is \"__\", one character is wanted"},
      {"PrependMissing",
       [](Json& j) {
         j["normalizer"] = {{"type", "Sequence"}, {"normalizers", {{{"type", "Prepend"}}}}};
       },
       "normalizer.normalizers[0].prepend is missing"},
      {"TooManySteps",
       [](Json& j) {
         j["normalizer"] = {{"type", "Sequence"}, {"normalizers", Json::array()}};
         for (int step = 0; step < 65; ++step) j["normalizer"]["normalizers"].push_back({{"type", "NFC"}});
       },
       "normalizer.normalizers[64] is one component more than the 64"},
      {"StripCount",
       [](Json& j) {
         j["decoder"] = {{"type", "Strip"}, {"content", " "}, {"start", -1}, {"stop", 0}};
       },
       "decoder.start is no count"},
      {"ClassifierToken",
       [](Json& j) {
         j["post_processor"] = {{"type", "RobertaProcessing"}, {"cls", {"<s>", 0}}, {"sep", {"</s>"}}};
       },
       "post_processor.sep is no pair"},
      {"DecoderNumber", [](Json& j) { j["decoder"] = 1; }, "decoder.type is missing"},
      {"AddedTokensObject", [](Json& j) { j["added_tokens"] = Json::object(); }, "added_tokens is object"},
      {"AddedTokenNumber", [](Json& j) { j["added_tokens"] = {1}; }, "added_tokens[0] is not an object"},
      {"AddedTokenWithoutId",
       [](Json& j) {
         j["added_tokens"] = {{{"content", "<a>"}}};
       },
       "added_tokens[0].id"},
      {"AddedTokenWithoutContent",
       [](Json& j) {
         j["added_tokens"] = {{{"id", 261}}};
       },
       "added_tokens[0].content"},
      {"AddedTokenFlag",
       [](Json& j) {
         j["added_tokens"] = {{{"id", 261}, {"content", "<a>"}, {"lstrip", 1}}};
       },
       "added_tokens[0].lstrip is number"},
      {"AddedTokenTwice",
       [](Json& j) {
         j["added_tokens"] = {AddedTokenJson(261, "<a>"), AddedTokenJson(262, "<a>")};
       },
       "added_tokens[1] repeats"},
      {"AddedTokenLong", [](Json& j) { j["added_tokens"] = {AddedTokenJson(261, std::string(5000, 'a'))}; },
       "5000 bytes, at most 4096"},
  };
}

INSTANTIATE_TEST_SUITE_P(All, MalformedTokenizerTest, ::testing::ValuesIn(Cases()),
                         [](const auto& info) { return info.param.name; });

TEST(MalformedTokenizerFileTest, TextThatIsNotAJsonObjectIsRefused) {
  for (const char* text :
       {"", "{", "[]", "3", "null", "{\"a\":1e999}", "{\"a\":\"\xFF\"}", "{\"a\":1} x", "\"", "}}}"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Tokenizer::Parse(text).status())) << text;
  }
}

TEST(MalformedTokenizerFileTest, AKeyThatComesTwiceIsRefused) {
  for (const char* text : {R"({"model": {}, "model": {}})", R"({"model": {"vocab": {"a": 0, "model": 1, "a": 2}}})"}) {
    const auto status = Tokenizer::Parse(text).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr("\" twice"));
  }
  // The same key in two objects is none.
  EXPECT_THAT(std::string(Tokenizer::Parse(R"({"a": {"b": [{"c": 1}, {"c": 1}]}, "b": 1})").status().message()),
              HasSubstr("model is missing"));
}

TEST(MalformedTokenizerFileTest, DeepNestingIsRefusedBeforeItIsParsed) {
  for (const char open : {'[', '{'}) {
    const auto status = Tokenizer::Parse(std::string(10'000'000, open)).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status));
    EXPECT_THAT(std::string(status.message()), HasSubstr("nested 10000000 levels"));
  }
}

TEST(MalformedTokenizerFileTest, MoreValuesThanMemoryShouldHoldAreRefused) {
  std::string text = R"({"model": {"vocab": {}, "merges": [0)";
  while (text.size() < 2 * tokenization::kMaxJsonValues + 100) text += ",0";
  const auto status = Tokenizer::Parse(text + "]}}").status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("values, at most 8388608 are read"));
}

TEST(MalformedTokenizerFileTest, BytesBehindANulByteAreNotOverlooked) {
  const std::string whole = TinyTokenizerJson().dump() + std::string(1, '\0') + "{";
  EXPECT_THAT(std::string(Tokenizer::Parse(whole).status().message()), HasSubstr("a NUL byte"));
}

TEST(MalformedTokenizerFileTest, ErrorsQuoteAFewWordsOfALongText) {
  EXPECT_LT(Tokenizer::Parse("{\"" + std::string(1'000'000, 'x') + "\n").status().message().size(), 500u);
}

TEST(MalformedTokenizerFileTest, BracketsInStringsAreNoNesting) {
  nlohmann::json json = TinyTokenizerJson();
  json["comment"] = std::string(1000, '[') + "\\\"" + std::string(1000, '{');
  EXPECT_NE(ParseTokenizer(json), nullptr);
}

TEST(MalformedTokenizerFileTest, EveryTruncationIsRefused) {
  const std::string whole = TinyTokenizerJson().dump();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_TRUE(absl::IsInvalidArgument(Tokenizer::Parse(whole.substr(0, size)).status())) << size;
  }
}

TEST(MalformedTokenizerFileTest, AMissingFileIsNotFound) {
  const auto status = Tokenizer::Load(::testing::TempDir() + "/no-such-model").status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("no-such-model/tokenizer.json"));
}

}  // namespace
}  // namespace headscope::worker
