#include "worker/model/json_strict.h"

#include <gtest/gtest.h>

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

TEST(StrictJsonTest, DeepNestingDoesNotOverflowTheStack) {
  EXPECT_EQ(ParseStrictJson(std::string(1'000'000, '['), "f", 16).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace headscope::worker
