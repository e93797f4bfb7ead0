#include "worker/model/tokenizer/normalizer.h"

#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "worker/model/tokenizer/unicode_normalizer.h"
#include "worker/model/tokenizer/utf8.h"

namespace headscope::worker::tokenization {
namespace {

using ::testing::HasSubstr;

std::string Normalized(const Json& component, const std::string& text) {
  const auto steps = LoadNormalizers({{"normalizer", component}});
  EXPECT_TRUE(steps.ok()) << steps.status();
  if (!steps.ok()) return "";
  const auto normalized = Normalize(*steps, text);
  EXPECT_TRUE(normalized.ok()) << normalized.status();
  return normalized.value_or("");
}

Json Replace(const Json& pattern, const std::string& content) {
  return {{"type", "Replace"}, {"pattern", pattern}, {"content", content}};
}

TEST(NormalizerTest, NfcComposes) {
  EXPECT_EQ(Normalized({{"type", "NFC"}}, "e\u0301 \u1e9b\u0323"), "\u00e9 \u1e9b\u0323");
  // A Hangul syllable, and a character that must not be composed again (U+0958).
  EXPECT_EQ(Normalized({{"type", "NFC"}}, "\u1112\u1161\u11ab \u0958"), "\ud55c \u0915\u093c");
  // The mark of the lower class comes first, whatever the order; a mark of the same class stops the second.
  EXPECT_EQ(Normalized({{"type", "NFC"}}, "a\u0301\u0323"), "\u1ea1\u0301");
  EXPECT_EQ(Normalized({{"type", "NFC"}}, "a\u0305\u0301"), "a\u0305\u0301");
  // Joiners and presentation forms stay.
  EXPECT_EQ(Normalized({{"type", "NFC"}}, "\U0001F469\u200d\ufb01"), "\U0001F469\u200d\ufb01");
}

TEST(NormalizerTest, OtherFormsDecomposeAndMap) {
  EXPECT_EQ(Normalized({{"type", "NFD"}}, "\u00e9\ufb01"), "e\u0301\ufb01");
  EXPECT_EQ(Normalized({{"type", "NFKD"}}, "\u00e9\ufb01"), "e\u0301fi");
  EXPECT_EQ(Normalized({{"type", "NFKC"}}, "e\u0301\ufb01\uff21\u00a0"), "\u00e9fiA ");
}

TEST(NormalizerTest, NormalFormsAreStable) {
  std::mt19937 random(7);
  const std::vector<std::uint32_t> alphabet = {'a',    'e',    0x301, 0x323,  0x327,  0x1100,
                                               0x1161, 0x11a8, 0xe9,  0x1ea5, 0x3099, 0x304b};
  for (int repeat = 0; repeat < 2000; ++repeat) {
    std::string text;
    for (int length = 0; length < 12; ++length) AppendUtf8(alphabet[random() % alphabet.size()], text);
    const std::string composed = ToNormalForm(text, {.composed = true});
    const std::string taken_apart = ToNormalForm(text, {.composed = false});
    ASSERT_EQ(ToNormalForm(composed, {.composed = true}), composed) << text;
    ASSERT_EQ(ToNormalForm(taken_apart, {.composed = true}), composed) << text;
    ASSERT_EQ(ToNormalForm(composed, {.composed = false}), taken_apart) << text;
  }
}

TEST(NormalizerTest, LowercaseGoesByCharacter) {
  EXPECT_EQ(Normalized({{"type", "Lowercase"}}, "A\u00c9\u0130\u03a3"), "a\u00e9i\u0307\u03c3");
}

TEST(NormalizerTest, StripAccentsTakesMarksAway) {
  EXPECT_EQ(Normalized({{"type", "StripAccents"}}, "e\u0301\u00e9"), "e\u00e9");
}

TEST(NormalizerTest, StripTakesWhiteSpaceAway) {
  const auto strip = [](bool left, bool right) -> Json {
    return {{"type", "Strip"}, {"strip_left", left}, {"strip_right", right}};
  };
  EXPECT_EQ(Normalized(strip(true, true), " \u3000\u00e9 b\n"), "\u00e9 b");
  EXPECT_EQ(Normalized(strip(true, false), " \u00e9 "), "\u00e9 ");
  EXPECT_EQ(Normalized(strip(false, true), " \u00e9 "), " \u00e9");
  EXPECT_EQ(Normalized(strip(true, true), " \n "), "");
}

TEST(NormalizerTest, PrependSkipsTheEmptyText) {
  EXPECT_EQ(Normalized({{"type", "Prepend"}, {"prepend", "_"}}, "a"), "_a");
  EXPECT_EQ(Normalized({{"type", "Prepend"}, {"prepend", "_"}}, ""), "");
}

TEST(NormalizerTest, ReplaceTakesStringsAndPatterns) {
  EXPECT_EQ(Normalized(Replace({{"String", " "}}, "\u2581"), " a  b"), "\u2581a\u2581\u2581b");
  EXPECT_EQ(Normalized(Replace({{"Regex", " {2,}"}}, "_"), "a   b c"), "a_b c");
  EXPECT_EQ(Normalized(Replace({{"String", "."}}, ""), "a.b"), "ab");
  EXPECT_EQ(Normalized(Replace({{"String", "x"}}, "$0"), "x"), "$0");
}

TEST(NormalizerTest, StepsOfASequenceFollowEachOther) {
  Json sequence = {{"type", "Sequence"}};
  sequence["normalizers"] = {Json{{"type", "Prepend"}, {"prepend", " "}}, Replace({{"String", " "}}, "_")};
  EXPECT_EQ(Normalized(sequence, "a b"), "_a_b");
}

TEST(NormalizerTest, AChainThatMakesTextExplodeIsGivenUp) {
  Json sequence = {{"type", "Sequence"}, {"normalizers", Json::array()}};
  for (int step = 0; step < 60; ++step) sequence["normalizers"].push_back(Replace({{"String", "a"}}, "aa"));
  const auto steps = LoadNormalizers({{"normalizer", sequence}});
  ASSERT_TRUE(steps.ok());
  const auto status = Normalize(*steps, std::string(1000, 'a')).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("Replace makes more than"));
}

}  // namespace
}  // namespace headscope::worker::tokenization
