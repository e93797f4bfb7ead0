#include "worker/model/tokenizer/utf8.h"

#include <string>

#include <gtest/gtest.h>

namespace headscope::worker::tokenization {
namespace {

TEST(Utf8Test, EveryScalarValueSurvivesTheRoundTrip) {
  for (std::uint32_t code_point = 0; code_point <= 0x10FFFF; ++code_point) {
    if (code_point >= 0xD800 && code_point <= 0xDFFF) continue;
    std::string text;
    AppendUtf8(code_point, text);
    const Utf8Character character = ReadUtf8(text, 0);
    ASSERT_TRUE(character.valid) << code_point;
    ASSERT_EQ(character.code_point, code_point);
    ASSERT_EQ(character.size, text.size());
  }
}

TEST(Utf8Test, FaultsAreFoundAtTheirFirstByte) {
  EXPECT_EQ(FindInvalidUtf8("h\xC3\xA9"), std::nullopt);
  // A lone continuation, an overlong form, a surrogate, beyond U+10FFFF, a cut character.
  for (const char* text : {"ab\x80", "ab\xC0\x80", "ab\xED\xA0\x80", "ab\xF4\x90\x80\x80", "ab\xE2\x82", "ab\xFF"}) {
    EXPECT_EQ(FindInvalidUtf8(text), 2u) << text;
  }
}

TEST(Utf8Test, EachMaximalSubpartBecomesOneReplacement) {
  const std::string mark = "\xEF\xBF\xBD";
  EXPECT_EQ(ReplaceInvalidUtf8("a\xF0\x9F\x98z"), "a" + mark + "z");
  EXPECT_EQ(ReplaceInvalidUtf8("\xE0\x80\x80"), mark + mark + mark);
  EXPECT_EQ(ReplaceInvalidUtf8("\xE2\x82"), mark);
  EXPECT_EQ(ReplaceInvalidUtf8("ok"), "ok");
}

}  // namespace
}  // namespace headscope::worker::tokenization
