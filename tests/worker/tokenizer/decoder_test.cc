#include "worker/model/tokenizer/decoder.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace headscope::worker::tokenization {
namespace {

constexpr char kMark[] = "\xEF\xBF\xBD";

std::string Decoded(const std::vector<Json>& steps, const std::vector<std::string>& tokens) {
  Json sequence = {{"type", "Sequence"}, {"decoders", steps}};
  const auto decoders = LoadDecoders({{"decoder", sequence}});
  EXPECT_TRUE(decoders.ok()) << decoders.status();
  if (!decoders.ok()) return "";
  const auto text = DecodeTokens(*decoders, tokens);
  EXPECT_TRUE(text.ok()) << text.status();
  return text.value_or("");
}

const Json kByteFallback = {{"type", "ByteFallback"}};
const Json kFuse = {{"type", "Fuse"}};

Json Strip(int start, int stop) { return {{"type", "Strip"}, {"content", " "}, {"start", start}, {"stop", stop}}; }

TEST(DecoderTest, WithoutOneTokensAreSpaced) {
  const auto decoders = LoadDecoders({{"decoder", nullptr}});
  ASSERT_TRUE(decoders.ok());
  EXPECT_EQ(*DecodeTokens(*decoders, {"a", "b"}), "a b");
}

TEST(DecoderTest, ByteFallbackJoinsBytesOfACharacter) {
  EXPECT_EQ(Decoded({kByteFallback}, {"<0xE5>", "<0x8f>", "<0xAB>", "a", "<0x61>"}),
            "\u53eba"
            "a");
}

TEST(DecoderTest, ByteFallbackGivesAMarkForEachByteOfABrokenRun) {
  EXPECT_EQ(Decoded({kByteFallback}, {"<0x61>", "<0xE5>", "<0x8f>", "a"}), std::string(kMark) + kMark + kMark + "a");
}

TEST(DecoderTest, ByteFallbackLeavesWhatOnlyLooksLikeAByte) {
  EXPECT_EQ(Decoded({kByteFallback}, {"<0xG0>", "<0x1>", "<0x012>", "0x61>"}), "<0xG0><0x1><0x012>0x61>");
}

TEST(DecoderTest, StripTakesNoMoreThanItIsTold) {
  EXPECT_EQ(Decoded({Strip(1, 0)}, {"  a ", " b", "c"}), " a bc");
  EXPECT_EQ(Decoded({Strip(0, 2)}, {"a   ", " "}), "a ");
  EXPECT_EQ(Decoded({kFuse, Strip(1, 0)}, {" a", " b"}), "a b");
  EXPECT_EQ(Decoded({Strip(3, 3)}, {"  "}), "");
}

TEST(DecoderTest, ReplaceWorksInEveryToken) {
  EXPECT_EQ(Decoded({{{"type", "Replace"}, {"pattern", {{"String", "_"}}}, {"content", " "}}}, {"_a", "b_"}), " ab ");
}

TEST(DecoderTest, MetaspaceLeavesOutTheOneInFrontOfTheText) {
  const auto metaspace = [](const std::string& scheme) -> Json {
    return {{"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", scheme}};
  };
  EXPECT_EQ(Decoded({metaspace("always")}, {"_Hey", "_you"}), "Hey you");
  EXPECT_EQ(Decoded({metaspace("first")}, {"_Hey", "_you"}), "Hey you");
  EXPECT_EQ(Decoded({metaspace("never")}, {"_Hey", "_you"}), " Hey you");
}

TEST(DecoderTest, ByteLevelMakesOnePart) {
  EXPECT_EQ(Decoded({{{"type", "ByteLevel"}}, Strip(1, 0)}, {"\u0120a", "\u0120b"}), "a b");
}

}  // namespace
}  // namespace headscope::worker::tokenization
