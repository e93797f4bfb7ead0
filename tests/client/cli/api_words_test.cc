#include "client/cli/api_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/cli/command.h"
#include "proto/support/error.h"
#include "tests/client/cli/cli_fixture.h"

namespace headscope::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string In(const std::string& command, const std::string& text) {
  return InWordsOf(FindCommandByName(command), text);
}

TEST(ApiWordsTest, FieldsBecomeTheFlagsThatSayThem) {
  EXPECT_EQ(In("rank", "header.diversity.max_cosine: is 2, above -1 and at most 1 is allowed"),
            "--max-cosine: is 2, above -1 and at most 1 is allowed");
  EXPECT_EQ(In("rank", "header.pool_job.name: is not a job's name"), "--pool: is not a job's name");
  EXPECT_EQ(In("rank", "header.target.reduction.head_axis: x"), "--head-axis: x");
  EXPECT_EQ(In("attribute", "spec.compute.max_tokens: is 1"), "--max-tokens: is 1");
  EXPECT_EQ(In("compare", "bootstrap.level: is 2"), "--level: is 2");
  EXPECT_EQ(In("compare", "set `allow_different_models` to compare"), "set `--allow-different-models` to compare");
  EXPECT_EQ(In("attribute", "belongs to `loss_scale` BATCH_TOKEN_MEAN and"),
            "belongs to `--loss-scale` batch-token-mean and");
  EXPECT_EQ(In("describe", "another `absolute` or"), "another `--absolute` or");
}

TEST(ApiWordsTest, ElementsOfListsAreCountedFromOne) {
  EXPECT_EQ(In("plan-mixture", "components[2].name: is the same as components[0].name"),
            "--component (number 3): is the same as --component (number 1)");
  EXPECT_EQ(In("sweep", "spec.datasets[1].dataset: is gone"), "--data (number 2): is gone");
  EXPECT_EQ(In("decompose", "basis[1].inline_pattern.values: has 3 axes"), "--basis (number 2): has 3 axes");
}

TEST(ApiWordsTest, WhatHasNoFlagIsTheArgument) {
  EXPECT_EQ(In("compare", "patterns[1].inline_pattern.values: has 3 axes"), "P (number 2): has 3 axes");
  EXPECT_EQ(In("decompose", "target.inline_pattern.values: has 3 axes"), "P: has 3 axes");
  EXPECT_EQ(In("job", "name: is not a job's name"), "ID: is not a job's name");
  EXPECT_EQ(In("sweep", "name: is no sweep"), "ID: is no sweep");
  EXPECT_EQ(In("sweep", "spec: has 2 models"), "sweep: has 2 models");
  EXPECT_EQ(In("tokenize", "text: has 9 bytes together with `response`"),
            "TEXT: has 9 bytes together with `--response`");
}

TEST(ApiWordsTest, LabelsKeepTheirKeys) {
  EXPECT_EQ(In("sweep", "spec.labels.my_key.model: is long"), "--label my_key.model: is long");
  EXPECT_EQ(In("attribute", "spec.labels.a-b: has 300 bytes"), "--label a-b: has 300 bytes");
  EXPECT_EQ(In("sweep", "spec.labels: has 20 entries"), "--label: has 20 entries");
}

TEST(ApiWordsTest, ANameIsThatOfTheModelWhereACommandTakesNothingElse) {
  EXPECT_EQ(In("attribute", "name: is not a path"), "--model: is not a path");
}

TEST(ApiWordsTest, CallsAndValuesBecomeTheCommandLines) {
  EXPECT_EQ(In("attribute", "spec.compute.dtype: is FLOAT64; the fast engine takes FLOAT32 or BFLOAT16"),
            "--dtype: is float64; the fast engine takes float32 or bfloat16");
  EXPECT_EQ(In("model", "has a name like it: ListModels names them"),
            "has a name like it: `headscope models` names them");
  EXPECT_EQ(In("", "poll GetJob, or"), "poll `headscope job`, or");
}

TEST(ApiWordsTest, OrdinaryWordsAndWhatAUserWroteStay) {
  for (const char* text :
       {"no model has the level of the target; positions and labels differ.", "model 'run.top_k' and \"top_k\"",
        "cannot read data/top_k.npy", "families gpt2 and llama", "the shard took 2.5 s", "INVALID_SAMPLES: a row",
        "patterns/p-1 is of j-1", "jobs/j-1 [0, 1]", "unknown.field_of: x",
        "labels.json has 3 x 2 heads, q.json has 3 x 4 heads", "no worker has the model max_tokens",
        "no worker has the model labels.v2", "the floor of labels.x is 5"}) {
    EXPECT_EQ(In("rank", text), text);
  }
}

class ApiWordsCliTest : public CliTest {};

TEST_F(ApiWordsCliTest, ErrorsOfTheServerArePrintedInTheWordsOfTheCommand) {
  std::ostringstream err;
  PrintError(err,
             MakeError(absl::StatusCode::kInvalidArgument, "header.diversity.max_cosine: is 2 (and 1 more)",
                       {"INVALID_FIELDS", {{"header.diversity.max_cosine", "is 2"}, {"header.top", "is 0"}}, {}}),
             "", "rank");
  EXPECT_EQ(err.str(), "headscope: --max-cosine: is 2 (and 1 more)\n  --top: is 0\n");
}

}  // namespace
}  // namespace headscope::cli
