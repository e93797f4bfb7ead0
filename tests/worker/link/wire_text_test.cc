#include "worker/link/wire_text.h"

#include <gtest/gtest.h>

namespace headscope::worker {
namespace {

TEST(WireTextTest, LeavesTextAsItIs) { EXPECT_EQ(WireText("caf\u00e9", 100), "caf\u00e9"); }

TEST(WireTextTest, ReplacesWhatIsNoText) {
  EXPECT_EQ(WireText("a\xff"
                     "b\xc3",
                     100),
            "a?b?");
  EXPECT_EQ(WireText("\xed\xa0\x80", 100), "???") << "a surrogate is no character";
}

TEST(WireTextTest, CutsBetweenCharacters) {
  EXPECT_EQ(WireText("caf\u00e9", 4), "caf");
  EXPECT_EQ(WireText("caf\u00e9", 5), "caf\u00e9");
  EXPECT_EQ(WireText("abc", 0), "");
  EXPECT_EQ(WireText("\xff\xff\xff", 2), "??");
}

}  // namespace
}  // namespace headscope::worker
