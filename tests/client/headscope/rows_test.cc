#include "client/headscope/rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace headscope::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

RowReader Reader(const std::string& text, std::uint64_t limit = RowReader::kNoLimit) {
  return RowReader(std::make_unique<std::istringstream>(text), "rows.jsonl", limit);
}

std::vector<Sample> ReadAll(RowReader reader) {
  std::vector<Sample> samples;
  for (auto sample = reader.Next(); sample.ok() && *sample; sample = reader.Next()) samples.push_back(**sample);
  return samples;
}

// "line: reason" of every fault.
std::vector<std::string> Faults(const std::string& text, std::uint64_t limit = RowReader::kNoLimit) {
  std::vector<std::string> faults;
  for (const RowFault& fault : Reader(text, limit).Check().faults) {
    faults.push_back(std::to_string(fault.line) + ": " + fault.reason);
  }
  return faults;
}

TEST(RowReaderTest, ReadsTheThreeKinds) {
  EXPECT_THAT(ReadAll(Reader(R"({"id": "a", "prompt": "p", "response": "r", "other": 1})")),
              ElementsAre(Sample{"a", TextPair{"p", "r"}}));
  EXPECT_THAT(ReadAll(Reader(R"({"id": "a", "token_ids": [1, 2, 3], "prompt_tokens": 2})")),
              ElementsAre(Sample{"a", TokenIds{{1, 2, 3}, 2}}));
  EXPECT_THAT(ReadAll(Reader(R"({"id": "a", "text": "t"})")), ElementsAre(Sample{"a", PlainText{"t"}}));
}

TEST(RowReaderTest, NamesRowsWithoutIdByTheirLineBlankLinesCounted) {
  const std::string text = "{\"text\": \"a\"}\n\n  \r\n{\"text\": \"b\"}\n";

  EXPECT_THAT(ReadAll(Reader(text)), ElementsAre(Sample{"1", PlainText{"a"}}, Sample{"4", PlainText{"b"}}));
  EXPECT_THAT(Reader(text).Check().lines, ElementsAre(1, 4));
}

TEST(RowReaderTest, TurnsIntegerIdsIntoText) {
  EXPECT_THAT(ReadAll(Reader(R"({"id": 17, "text": "a"})")), ElementsAre(Sample{"17", PlainText{"a"}}));
}

TEST(RowReaderTest, AcceptsWindowsLineEndsAndNulCharacters) {
  EXPECT_THAT(Faults("{\"text\": \"a\\u0000b\"}\r\n{\"text\": \"c\"}\r\n"), IsEmpty());
}

TEST(RowReaderTest, ReadsNoFurtherThanTheLimit) {
  const std::string text = "{\"text\": \"a\"}\nnot json\n";

  EXPECT_THAT(Faults(text, 1), IsEmpty());
  EXPECT_EQ(ReadAll(Reader(text, 1)).size(), 1);
  EXPECT_EQ(Faults(text, 2).size(), 1);
}

TEST(RowReaderTest, ReportsEveryFaultWithItsLine) {
  const std::vector<std::string> faults = Faults(
      "{\"id\": \"a\", \"token_ids\": [1, 2], \"prompt_tokens\": 1}\n"
      "not json\n"
      "{\"id\": \"a\", \"token_ids\": [1, 2], \"prompt_tokens\": 1}\n"
      "{\"id\": \"c\", \"token_ids\": [1, -2], \"prompt_tokens\": 1}\n"
      "{\"id\": \"d\", \"token_ids\": [1, 2], \"prompt_tokens\": 2}\n"
      "{\"id\": \"e\", \"prompt\": \"x\", \"response\": \"y\"}\n");

  EXPECT_THAT(faults,
              ElementsAre(HasSubstr("2: not valid JSON"), "3: id \"a\" is already used on line 1",
                          HasSubstr("4: token_ids[1]: wanted an integer"), HasSubstr("5: prompt_tokens: 2 of 2"),
                          HasSubstr("6: a row of kind prompt/response, but line 1 is of kind token_ids")));
}

TEST(RowReaderTest, ReportsANumberThatNoDoubleHolds) {
  EXPECT_THAT(Faults("{\"text\": \"a\"}\n{\"text\": \"b\", \"weight\": 1e999}\n"),
              ElementsAre("2: not valid JSON: number overflow parsing '1e999'"));
}

TEST(RowReaderTest, ReportsKeysGivenTwice) {
  EXPECT_THAT(Faults(R"({"text": "a", "text": "b"})"), ElementsAre("1: text: given twice"));
  EXPECT_THAT(Faults(R"({"text": "a", "other": {"x": 1, "x": 2}})"), IsEmpty());
}

TEST(RowReaderTest, ReportsBytesBehindANulByte) {
  const std::string text = std::string(R"({"text": "a"})") + '\0' + R"({"text": "b"})";
  EXPECT_THAT(Faults(text), ElementsAre("1: not valid JSON: column 14: a NUL byte"));
}

TEST(RowReaderTest, QuotesAFewWordsOfALongRow) {
  const std::vector<std::string> faults = Faults("{\"text\": \"" + std::string(1'000'000, 'x'));
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_LT(faults[0].size(), 500u);
}

TEST(RowReaderTest, ReportsSeveralFaultsOfOneRow) {
  EXPECT_THAT(Faults(R"({"prompt": 1, "id": true})"),
              ElementsAre("1: id: wanted a string, found true", "1: prompt: wanted a string, found the integer 1",
                          "1: response: missing"));
}

TEST(RowReaderTest, FindsDuplicatesOfALinesNumber) {
  EXPECT_THAT(Faults("{\"id\": \"2\", \"text\": \"a\"}\n{\"text\": \"b\"}\n"),
              ElementsAre("2: id \"2\" (the line's number) is already used on line 1"));
}

TEST(RowReaderTest, RefusesAFileWithoutRows) {
  EXPECT_THAT(Faults(""), ElementsAre("0: no rows"));
  EXPECT_THAT(Faults("\n\n"), ElementsAre("0: no rows"));
}

struct BadRow {
  std::string row;
  std::string fault;
};

class BadRowTest : public ::testing::TestWithParam<BadRow> {};

TEST_P(BadRowTest, IsRefusedWithItsReason) {
  EXPECT_THAT(Faults(GetParam().row), ElementsAre(HasSubstr(GetParam().fault)));
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadRowTest,
    ::testing::Values(
        BadRow{"[1]", "wanted a JSON object, found an array"},
        BadRow{"\"text\"", "wanted a JSON object, found a string"}, BadRow{"{\"text\": \"a\"", "not valid JSON"},
        BadRow{"{\"text\": \"a\"} x", "not valid JSON"}, BadRow{"{\"text\": \"\xff\"}", "not valid JSON"},
        BadRow{"{\"text\": \"\\ud800\"}", "not valid JSON"}, BadRow{"{\"id\": \"a\"}", "none of the keys"},
        BadRow{R"({"messages": [{"role": "user", "content": "a"}]})", "apply_chat_template"},
        BadRow{"{\"prompt\": \"a\"}", "response: missing"}, BadRow{"{\"response\": \"a\"}", "prompt: missing"},
        BadRow{"{\"token_ids\": [1, 2]}", "prompt_tokens: missing"},
        BadRow{"{\"prompt_tokens\": 1}", "token_ids: missing"},
        BadRow{"{\"prompt\": \"a\", \"response\": \"b\", \"text\": \"c\"}", "keys of 2 kinds in one row"},
        BadRow{"{\"prompt\": \"a\", \"response\": \"\"}", "response: empty"}, BadRow{"{\"text\": \"\"}", "text: empty"},
        BadRow{"{\"text\": null}", "text: wanted a string, found null"},
        BadRow{"{\"id\": null, \"text\": \"a\"}", "id: wanted a string, found null"},
        BadRow{"{\"id\": \"\", \"text\": \"a\"}", "id: empty"},
        BadRow{"{\"id\": 1.5, \"text\": \"a\"}", "id: wanted a string, found the number 1.5"},
        BadRow{"{\"token_ids\": 3, \"prompt_tokens\": 1}",
               "token_ids: wanted an array of integers, found the integer 3"},
        BadRow{"{\"token_ids\": [1], \"prompt_tokens\": 0}", "at least 2 are needed"},
        BadRow{"{\"token_ids\": [1, 2.0], \"prompt_tokens\": 1}", "token_ids[1]: wanted an integer"},
        BadRow{"{\"token_ids\": [1, 4294967296], \"prompt_tokens\": 1}", "token_ids[1]: wanted an integer"},
        BadRow{"{\"token_ids\": [1, \"2\"], \"prompt_tokens\": 1}", "token_ids[1]: wanted an integer"},
        BadRow{"{\"token_ids\": [1, 2], \"prompt_tokens\": -1}", "prompt_tokens: wanted an integer"},
        BadRow{"{\"token_ids\": [1, 2], \"prompt_tokens\": 2}", "prompt_tokens: 2 of 2"}));

TEST(RowReaderTest, RefusesSamplesAndIdsBeyondTheLimits) {
  const std::string large(std::size_t{2} << 20, 'x');

  EXPECT_THAT(Faults("{\"text\": \"" + large + "\"}"), ElementsAre(HasSubstr("at most 1048576 are allowed")));
  EXPECT_THAT(Faults("{\"id\": \"" + std::string(257, 'i') + "\", \"text\": \"a\"}"),
              ElementsAre(HasSubstr("id: 257 bytes")));
}

TEST(RowReaderTest, SkipsLinesTooLongToKeepAndGoesOn) {
  const std::string endless(std::size_t{17} << 20, ' ');

  EXPECT_THAT(Faults(endless + "\nnot json\n"), ElementsAre(HasSubstr("1: longer than"), HasSubstr("2: not valid")));
}

TEST(RowReaderTest, StopsReadingAtARowThatBecameBad) {
  RowReader reader = Reader("{\"text\": \"a\"}\n{\n");

  ASSERT_TRUE(reader.Next().ok());
  const auto second = reader.Next();
  EXPECT_EQ(second.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("rows.jsonl:2: not valid JSON"));
}

TEST(RowReaderTest, StartsAgainAfterRewind) {
  RowReader reader = Reader("{\"text\": \"a\"}\n{\"text\": \"b\"}\n");

  EXPECT_THAT(reader.Check().faults, IsEmpty());
  ASSERT_TRUE(reader.Rewind().ok());
  EXPECT_EQ((*reader.Next())->id, "1");
}

TEST(RowReaderTest, SaysWhyAFileCannotBeOpened) {
  EXPECT_EQ(RowReader::Open("/nonexistent/rows.jsonl", 1).status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(RowReader::Open("/", 1).status().message()), HasSubstr("a directory"));
}

}  // namespace
}  // namespace headscope::client
