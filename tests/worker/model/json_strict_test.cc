#include "worker/model/json_strict.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"

namespace headscope::worker {
namespace {

TEST(StrictJsonTest, ParsesOrdinaryValues) {
  const auto value = ParseStrictJson(R"( {"a": [1, -2, 0.5, null, true, "x"], "b": {"a": 1}} )", "f", 4);
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_EQ((*value)["a"][2], 0.5);
  EXPECT_EQ((*value)["b"]["a"], 1);
}

TEST(StrictJsonTest, RefusesWhatOthersLetPass) {
  const std::vector<std::string> wrong = {R"({"a": 1, "a": 2})",
                                          R"({"b": {"a": 1, "a": 1}})",
                                          "{} x",
                                          "",
                                          "{",
                                          "[[[[[1]]]]]",
                                          R"({"a": NaN})",
                                          "[1e999]",
                                          "[Infinity]",
                                          std::string("{}\0{}", 5),
                                          "{\"a\": \"\xff\xfe\"}",
                                          R"(["\ud800"])",
                                          "[1,]",
                                          "// x\n{}"};
  for (const std::string& text : wrong) {
    EXPECT_EQ(ParseStrictJson(text, "file.json", 4).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(StrictJsonTest, NamesTheFileAndTheRepeatedKey) {
  const absl::Status status = ParseStrictJson(R"({"twice": 1, "twice": 2})", "config.json", 4).status();
  EXPECT_NE(status.message().find("config.json"), absl::string_view::npos);
  EXPECT_NE(status.message().find("\"twice\""), absl::string_view::npos);
}

TEST(StrictJsonTest, MoreValuesThanMemoryShouldHoldAreRefused) {
  std::string text = "[0";
  while (text.size() < 2 * kMaxJsonValues) text += ",0";
  EXPECT_TRUE(absl::StrContains(ParseStrictJson(text + "]", "f", 4).status().message(), "values"));
  text.resize(text.size() - 2);
  EXPECT_TRUE(ParseStrictJson(text + "]", "f", 4).ok());
}

TEST(StrictJsonTest, ErrorsQuoteAFewWordsOfALongText) {
  const absl::Status status = ParseStrictJson("{\"" + std::string(1'000'000, 'x'), "f", 4).status();
  EXPECT_LT(status.message().size(), 500u);
}

TEST(StrictJsonTest, ShortenedTextIsCutBetweenCharacters) {
  EXPECT_EQ(Shortened("\u00e9\u00e9", 4), "\u00e9\u00e9");
  EXPECT_EQ(Shortened("\u00e9\u00e9", 3), "\u00e9...");
  EXPECT_EQ(Shortened("\u00e9\u00e9", 1), "...");
}

TEST(StrictJsonTest, DeepNestingDoesNotOverflowTheStack) {
  EXPECT_EQ(ParseStrictJson(std::string(1'000'000, '['), "f", 16).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace headscope::worker
