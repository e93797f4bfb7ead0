#include "client/cli/pattern_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include "client/cli/npy.h"
#include "client/cli/output_file.h"

namespace headscope::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Write(const std::string& suffix, const std::string& bytes) {
  const std::string path = ::testing::TempDir() + "pattern_file_test." + std::to_string(getpid()) + "." +
                           ::testing::UnitTest::GetInstance()->current_test_info()->name() + suffix;
  EXPECT_TRUE(WriteFile(path, bytes).ok());
  return path;
}

std::string Refusal(const std::string& suffix, const std::string& bytes) {
  return std::string(ReadPatternFile(Write(suffix, bytes)).status().message());
}

TEST(PatternFileTest, FilesAreToldFromIds) {
  for (const char* file : {"a.npy", "a.json", "a.csv", "folder/a", "./a", "/a"})
    EXPECT_TRUE(NamesPatternFile(file)) << file;
  for (const char* id : {"j-1", "p-1", "jobs/j-1", "patterns/p-1"}) EXPECT_FALSE(NamesPatternFile(id)) << id;
}

TEST(PatternFileTest, ANumpyArrayIsRead) {
  const std::string path = Write(".npy", NpyBytes({2, 1}, {1, 2}));
  const auto pattern = ReadPatternFile(path);
  ASSERT_TRUE(pattern.ok()) << pattern.status();
  EXPECT_EQ(pattern->label, path);
  EXPECT_EQ(pattern->values.rows, 2u);
  EXPECT_THAT(pattern->values.values, ElementsAre(1, 2));
}

TEST(PatternFileTest, WhatAttributePrintsIsRead) {
  const auto pattern = ReadPatternFile(
      Write(".json", R"({"model": {"name": "demo", "digest": null}, "pattern": [[1, 2]], "standard_error": [[0.1, 0.2]],
                   "provenance": {"family": "llama", "kv_heads": 1, "head_dim": 8}})"));
  ASSERT_TRUE(pattern.ok()) << pattern.status();
  EXPECT_THAT(pattern->values.values, ElementsAre(1, 2));
  EXPECT_THAT(pattern->standard_error->values, ElementsAre(0.1, 0.2));
  EXPECT_EQ(pattern->model.family, "llama");
  EXPECT_EQ(pattern->model.kv_heads, 1u);
  EXPECT_EQ(pattern->model.head_dim, 8u);
}

TEST(PatternFileTest, WhatExportWroteComesBack) {
  const auto file = ReadWholePatternFile(Write(".json", R"({"pattern": [[1]], "samples_scored": 64, "display_name": "n",
      "origin": "o", "labels": {"task": "copy"}, "provenance": {"kv_heads": null, "head_dim": 8}})"));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->samples_scored, 64u);
  EXPECT_EQ(file->display_name, "n");
  EXPECT_EQ(file->origin, "o");
  EXPECT_EQ(file->labels, (std::map<std::string, std::string>{{"task", "copy"}}));
  EXPECT_EQ(file->pattern.model.kv_heads, 0u) << "null: not known";
  EXPECT_EQ(file->pattern.model.head_dim, 8u);
}

TEST(PatternFileTest, APlainArrayIsRead) {
  const auto pattern = ReadPatternFile(Write(".json", "[[1], [2.5]]"));
  ASSERT_TRUE(pattern.ok()) << pattern.status();
  EXPECT_THAT(pattern->values.values, ElementsAre(1, 2.5));
  EXPECT_FALSE(pattern->standard_error.has_value());
}

TEST(PatternFileTest, ACsvIsReadInAnyOrder) {
  const client::Matrix values{2, 1, {1, 1.0 / 3}};
  const client::Matrix errors{2, 1, {0.5, 0.25}};
  EXPECT_EQ(ReadPatternFile(Write(".csv", PatternCsv(values, &errors)))->standard_error->values, errors.values);
  EXPECT_EQ(ReadPatternFile(Write(".csv", PatternCsv(values, nullptr)))->values.values, values.values);
  EXPECT_THAT(ReadPatternFile(Write(".csv", "1,0,4\r\n0,0,3\r\n"))->values.values, ElementsAre(3, 4));
}

TEST(PatternFileTest, WhatIsNoPatternIsRefusedWithTheReason) {
  EXPECT_THAT(Refusal(".npy", NpyBytes({1, 1, 1}, {1})), HasSubstr("shape (1, 1, 1), a pattern has two axes"));
  EXPECT_THAT(Refusal(".npy", NpyBytes({1, 2}, {1, 0.0 / 0.0})), HasSubstr("layer 0 head 1 is not finite"));
  EXPECT_THAT(Refusal(".npy", NpyBytes({0, 2}, {})), HasSubstr("empty"));
  EXPECT_THAT(Refusal(".json", "{"), HasSubstr("is not JSON"));
  EXPECT_THAT(Refusal(".json", "{}"), HasSubstr("no key \"pattern\""));
  EXPECT_THAT(Refusal(".json", "[[1, 2], [3]]"), HasSubstr("layer 1"));
  EXPECT_THAT(Refusal(".json", R"([[1, "x"]])"), HasSubstr("no number"));
  EXPECT_THAT(Refusal(".json", R"({"pattern": [[1]], "standard_error": [[1, 2]]})"), HasSubstr("another shape"));
  EXPECT_THAT(Refusal(".json", R"({"pattern": [[1]], "provenance": {"kv_heads": "2"}})"), HasSubstr("\"kv_heads\""));
  EXPECT_THAT(Refusal(".json", R"({"pattern": [[1]], "provenance": {"head_dim": -1}})"), HasSubstr("\"head_dim\""));
  EXPECT_THAT(Refusal(".json", R"({"pattern": [[1]], "model": {"digest": "sha256:zz"}})"), HasSubstr("digest"));
  EXPECT_THAT(Refusal(".json", R"({"pattern": [[1]], "labels": {"a": 1}})"), HasSubstr("label \"a\""));
  EXPECT_THAT(Refusal(".npy", NpyBytes({1000, 200}, std::vector<double>(200000))), HasSubstr("200000 values"));
  EXPECT_THAT(Refusal(".csv", "layer,head,value\n0,0,1\n0,x,1\n"), HasSubstr(":3: wanted layer,head,value"));
  EXPECT_THAT(Refusal(".csv", "0,0,1\n0,0,1\n"), HasSubstr("every head is needed once"));
  EXPECT_THAT(Refusal(".csv", "0,0,1\n0,0,1\n1,0,2\n1,1,1\n"), HasSubstr("stands there twice"));
  EXPECT_THAT(Refusal(".csv", "0,99999999999,1\n"), HasSubstr("wanted layer,head,value"));
  EXPECT_THAT(Refusal(".txt", "1"), HasSubstr(".npy, .json or .csv"));
  EXPECT_THAT(std::string(ReadPatternFile("/nowhere/a.json").status().message()), HasSubstr("cannot read"));
}

}  // namespace
}  // namespace headscope::cli
