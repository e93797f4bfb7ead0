#include "worker/model/tokenizer/sample_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/tokenizer/tiny_tokenizer.h"

namespace headscope::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::int32_t kBegin = kTinySize;
constexpr std::int32_t kEnd = kTinySize + 1;

// The tiny tokenizer with a begin token in its template and an end token.
std::unique_ptr<const Tokenizer> MakeTokenizer() {
  nlohmann::json json = TinyTokenizerJson();
  json["added_tokens"] = {AddedTokenJson(kBegin, "<s>", {"special"}), AddedTokenJson(kEnd, "</s>", {"special"})};
  json["post_processor"] = {{"type", "TemplateProcessing"},
                            {"single", {{{"SpecialToken", {{"id", "<s>"}}}}, {{"Sequence", {{"id", "A"}}}}}},
                            {"special_tokens", {{"<s>", {{"ids", {kBegin}}}}}}};
  return ParseTokenizer(json);
}

EncodeOptions Options() {
  return {.end_of_sequence = kEnd, .max_tokens = std::nullopt, .positions = 100, .vocabulary = kEnd + 1};
}

void ExpectInvalid(const absl::StatusOr<EncodedSample>& sample, const std::string& wanted) {
  EXPECT_TRUE(absl::IsInvalidArgument(sample.status())) << sample.status();
  EXPECT_THAT(std::string(sample.status().message()), HasSubstr(wanted));
}

TEST(SampleEncoderTest, SpecialTokensGoBeforeThePromptAndTheEndBehindTheResponse) {
  const auto sample = EncodePair(*MakeTokenizer(), "he", "hello", Options());
  ASSERT_TRUE(sample.ok()) << sample.status();
  EXPECT_THAT(sample->ids, ElementsAre(kBegin, kHe, kHello, kEnd));
  EXPECT_EQ(sample->prompt_tokens, 2);
  EXPECT_EQ(sample->cut_tokens, 0);
}

TEST(SampleEncoderTest, PromptAndResponseDoNotMergeAcrossTheirBorder) {
  const auto sample = EncodePair(*MakeTokenizer(), "h", "e", Options());
  ASSERT_TRUE(sample.ok()) << sample.status();
  EXPECT_THAT(sample->ids, ElementsAre(kBegin, 'h', 'e', kEnd));
}

TEST(SampleEncoderTest, TheEndIsNotDoubled) {
  const auto pair = EncodePair(*MakeTokenizer(), "he", "he</s>", Options());
  ASSERT_TRUE(pair.ok()) << pair.status();
  EXPECT_THAT(pair->ids, ElementsAre(kBegin, kHe, kHe, kEnd));
  const auto text = EncodeText(*MakeTokenizer(), "he</s>", Options());
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_THAT(text->ids, ElementsAre(kBegin, kHe, kEnd));
}

TEST(SampleEncoderTest, ABeginThatTheTextWritesItselfIsNotDoubled) {
  const auto pair = EncodePair(*MakeTokenizer(), "<s>he", "<s>he", Options());
  ASSERT_TRUE(pair.ok()) << pair.status();
  EXPECT_THAT(pair->ids, ElementsAre(kBegin, kHe, kBegin, kHe, kEnd));
  EXPECT_EQ(pair->prompt_tokens, 2);
  const auto text = EncodeText(*MakeTokenizer(), "<s>he", Options());
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_THAT(text->ids, ElementsAre(kBegin, kHe, kEnd));
  // Two in the text are what its author wrote; the tokenizer itself does as it is told.
  EXPECT_THAT(*EncodeOpening(*MakeTokenizer(), "<s><s>"), ElementsAre(kBegin, kBegin));
  EXPECT_THAT(IdsOf(*MakeTokenizer(), "<s>he", true), ElementsAre(kBegin, kBegin, kHe));
}

TEST(SampleEncoderTest, NoEndIsAppendedWhenNoneIsGiven) {
  EncodeOptions options = Options();
  options.end_of_sequence.reset();
  const auto sample = EncodePair(*MakeTokenizer(), "he", "he", options);
  ASSERT_TRUE(sample.ok()) << sample.status();
  EXPECT_THAT(sample->ids, ElementsAre(kBegin, kHe, kHe));
}

TEST(SampleEncoderTest, AllButTheFirstTokenOfATextIsResponse) {
  const auto sample = EncodeText(*MakeTokenizer(), "hello", Options());
  ASSERT_TRUE(sample.ok()) << sample.status();
  EXPECT_THAT(sample->ids, ElementsAre(kBegin, kHello, kEnd));
  EXPECT_EQ(sample->prompt_tokens, 1);
}

TEST(SampleEncoderTest, MaxTokensKeepsTheFirstTokensAndCountsTheOthers) {
  EncodeOptions options = Options();
  options.max_tokens = 3;
  const auto sample = EncodePair(*MakeTokenizer(), "he", "hello", options);
  ASSERT_TRUE(sample.ok()) << sample.status();
  EXPECT_THAT(sample->ids, ElementsAre(kBegin, kHe, kHello));
  EXPECT_EQ(sample->cut_tokens, 1);
  const auto ids = CheckTokenIds({1, 2, 3, 4, 5}, 2, options);
  ASSERT_TRUE(ids.ok()) << ids.status();
  EXPECT_THAT(ids->ids, ElementsAre(1, 2, 3));
  EXPECT_EQ(ids->cut_tokens, 2);
}

TEST(SampleEncoderTest, AResponseCutAwayWholeIsInvalid) {
  EncodeOptions options = Options();
  options.max_tokens = 2;
  const std::string wanted =
      "the response is cut away whole: its first scored token is number 3 and --max-tokens keeps 2";
  ExpectInvalid(EncodePair(*MakeTokenizer(), "he", "hello", options), wanted);
  ExpectInvalid(CheckTokenIds({1, 2, 3}, 2, options), wanted);
  options.max_tokens = 1;
  ExpectInvalid(EncodeText(*MakeTokenizer(), "hello", options),
                "the response is cut away whole: its first scored token is number 2 and --max-tokens keeps 1");
}

TEST(SampleEncoderTest, RowsWithoutASupervisedTokenAreInvalid) {
  ExpectInvalid(EncodePair(*MakeTokenizer(), "he", "", Options()), "the response is empty");
  ExpectInvalid(EncodeText(*MakeTokenizer(), "", Options()), "the text is empty");
  EncodeOptions no_end = Options();
  no_end.end_of_sequence.reset();
  ExpectInvalid(EncodeText(*ParseTokenizer(TinyTokenizerJson()), "h", no_end),
                "no token can be scored: the text has 1 token and needs at least 2");
  ExpectInvalid(CheckTokenIds({1, 2}, 2, Options()), "the response is empty: all 2 tokens are prompt");
  ExpectInvalid(CheckTokenIds({1}, 0, Options()), "has 1 tokens without a prompt and needs at least 2");
  ExpectInvalid(CheckTokenIds({}, 0, Options()), "has 0 tokens without a prompt");
}

TEST(SampleEncoderTest, PromptTokensBeyondTheRowAreInvalid) {
  ExpectInvalid(CheckTokenIds({1, 2}, 3, Options()), "prompt_tokens is 3 and the row has 2 token ids");
  ExpectInvalid(CheckTokenIds({1, 2}, -1, Options()), "prompt_tokens is -1");
}

TEST(SampleEncoderTest, ARowLongerThanThePositionsIsInvalid) {
  EncodeOptions options = Options();
  options.positions = 3;
  ExpectInvalid(EncodePair(*MakeTokenizer(), "he", "hello", options), "has 4 tokens and the model has 3 positions");
  options.max_tokens = 3;
  EXPECT_TRUE(EncodePair(*MakeTokenizer(), "he", "hello", options).ok());
}

TEST(SampleEncoderTest, AnIdOutsideTheVocabularyIsInvalid) {
  ExpectInvalid(CheckTokenIds({1, 2, 300}, 1, Options()),
                "token id 300 at index 2 is outside the model's vocabulary of 263");
  ExpectInvalid(CheckTokenIds({1, -2, 3}, 1, Options()), "token id -2 at index 1");
}

TEST(SampleEncoderTest, AnEndBeyondTheVocabularyNamesTheFlag) {
  EncodeOptions options = Options();
  options.end_of_sequence = 50256;
  ExpectInvalid(EncodeText(*MakeTokenizer(), "he", options), "--append-eos false");
  // Token ids get no end, so they are not concerned.
  EXPECT_TRUE(CheckTokenIds({1, 2}, 1, options).ok());
}

TEST(SampleEncoderTest, TextThatIsNotUtf8NamesItsPart) {
  ExpectInvalid(EncodePair(*MakeTokenizer(), "h\xC0", "he", Options()), "the prompt cannot be tokenized");
  ExpectInvalid(EncodePair(*MakeTokenizer(), "h", "\xC0", Options()), "the response cannot be tokenized");
  ExpectInvalid(EncodeText(*MakeTokenizer(), "abc\xC0", Options()), "at byte 3 of 4");
}

}  // namespace
}  // namespace headscope::worker
