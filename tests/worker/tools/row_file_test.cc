#include "worker/tools/trainer/row_file.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/support/test_checkpoint.h"

namespace headscope::worker {
namespace {

using testing::HasSubstr;

class RowFileTest : public testing::Test {
 protected:
  std::string Write(const std::string& text) {
    WriteFileOrDie(path_, text);
    return path_;
  }
  std::string Refusal(const std::string& text) { return std::string(ReadRows(Write(text), 0).status().message()); }

  TempDirectory directory_;
  std::string path_ = directory_.File("rows.jsonl");
};

TEST_F(RowFileTest, WhatIsWrittenIsReadAgain) {
  const auto rows = ReadRows(Write(RowsText("copy", {{"copy: ab ->", "ab"}, {"copy: \"\n ->", "\"\n"}})), 0);
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ((*rows)[1].prompt, "copy: \"\n ->");
  EXPECT_EQ((*rows)[1].response, "\"\n");
  EXPECT_THAT(ReadFileOrDie(path_), HasSubstr(R"({"id":"copy-002","prompt")"));
}

TEST_F(RowFileTest, ALimitTakesTheFirstRowsAndReadsNoFurther) {
  const std::string row = R"({"prompt": "a", "response": "b"})"
                          "\n";
  EXPECT_EQ(ReadRows(Write(row + row + "not a row\n"), 2)->size(), 2u);
  EXPECT_EQ(ReadRows(Write(row + row), 3)->size(), 2u);
}

TEST_F(RowFileTest, ABadRowIsNamedByItsLine) {
  const std::string good = R"({"prompt": "a", "response": "b", "more": 1})"
                           "\n";
  EXPECT_THAT(Refusal(good + R"({"prompt": "a"})"), AllOf(HasSubstr("rows.jsonl:2"), HasSubstr("no response")));
  EXPECT_THAT(Refusal(good + R"({"prompt": 3, "response": "b"})"), AllOf(HasSubstr(":2"), HasSubstr("no prompt")));
  EXPECT_THAT(Refusal(good + "[1]"), HasSubstr(":2"));
  EXPECT_THAT(Refusal("{\n"), HasSubstr(":1"));
}

TEST_F(RowFileTest, AFileWithoutRowsIsRefusedAndOneThatIsNotThereNotFound) {
  EXPECT_THAT(Refusal(""), HasSubstr("has no rows"));
  EXPECT_EQ(ReadRows(directory_.File("nowhere"), 0).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace headscope::worker
