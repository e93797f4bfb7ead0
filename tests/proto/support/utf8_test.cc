#include "proto/support/utf8.h"

#include <gtest/gtest.h>

namespace headscope {
namespace {

TEST(Utf8Test, AcceptsWellFormedText) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("plain"));
  EXPECT_TRUE(IsUtf8("\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"));
  EXPECT_TRUE(IsUtf8("\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF"));
}

TEST(Utf8Test, SaysWhereTextTurnsInvalid) {
  EXPECT_EQ(ValidUtf8Prefix("ab\xff"), 2u);
  EXPECT_EQ(ValidUtf8Prefix("\xC0\x80"), 0u);           // overlong
  EXPECT_EQ(ValidUtf8Prefix("a\xE0\x9F\xBF"), 1u);      // overlong
  EXPECT_EQ(ValidUtf8Prefix("a\xED\xA0\x80"), 1u);      // surrogate
  EXPECT_EQ(ValidUtf8Prefix("a\xF4\x90\x80\x80"), 1u);  // beyond U+10FFFF
  EXPECT_EQ(ValidUtf8Prefix("abc\xE2\x82"), 3u);        // cut short
  EXPECT_EQ(ValidUtf8Prefix("\x80"), 0u);               // stray continuation
}

}  // namespace
}  // namespace headscope
