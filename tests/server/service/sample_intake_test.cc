#include "server/service/sample_intake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/support/error.h"
#include "proto/support/limits.h"
#include "proto/support/sample_encoding.h"

namespace headscope::server {
namespace {

using testing::ElementsAre;

v1::Sample Pair(const std::string& id, const std::string& response) {
  v1::Sample sample;
  sample.set_id(id);
  sample.mutable_input()->mutable_pair()->set_prompt("p");
  sample.mutable_input()->mutable_pair()->set_response(response);
  return sample;
}

TEST(SampleIntakeTest, RecordsAreTheCanonicalEncoding) {
  v1::SampleBatch batch;
  *batch.add_samples() = Pair("a", "x");
  *batch.add_samples() = Pair("", "y");
  SampleIntake intake("samples");
  Violations violations;
  std::string records, expected = DatasetHeader();
  ASSERT_TRUE(intake.Add(batch, violations, records).ok());
  AppendSampleRecord({"a", TextPair{"p", "x"}}, expected);
  AppendSampleRecord({"2", TextPair{"p", "y"}}, expected);
  EXPECT_EQ(records, expected);
  EXPECT_EQ(intake.sample_count(), 2u);
  EXPECT_EQ(intake.size_bytes(), expected.size());
  EXPECT_EQ(intake.FinishDigest(), Sha256Of(expected));
}

TEST(SampleIntakeTest, OnlyTheFirstBatchBringsTheHeader) {
  v1::SampleBatch none, one;
  *one.add_samples() = Pair("a", "x");
  SampleIntake intake("samples");
  Violations violations;
  std::string first, second, record;
  ASSERT_TRUE(intake.Add(none, violations, first).ok());
  ASSERT_TRUE(intake.Add(one, violations, second).ok());
  AppendSampleRecord({"a", TextPair{"p", "x"}}, record);
  EXPECT_EQ(first, DatasetHeader());
  EXPECT_EQ(second, record);
}

TEST(SampleIntakeTest, EveryBadSampleIsNamedOverAllBatches) {
  v1::SampleBatch first, second;
  *first.add_samples() = Pair("a", "x");
  *first.add_samples() = Pair("b", "");
  *second.add_samples() = Pair("a", "x");
  second.add_samples()->set_id("c");
  second.add_samples()->mutable_input()->set_text("text");
  v1::TokenIds& tokens = *second.add_samples()->mutable_input()->mutable_tokens();
  tokens.add_ids(1);
  tokens.add_ids(2);
  tokens.set_prompt_tokens(2);
  SampleIntake intake("samples");
  Violations violations;
  std::string records;
  ASSERT_TRUE(intake.Add(first, violations, records).ok());
  EXPECT_TRUE(records.empty());
  ASSERT_TRUE(intake.Add(second, violations, records).ok());
  std::vector<std::string> fields;
  for (const auto& violation : DetailsOf(violations.status()).violations) fields.push_back(violation.field);
  EXPECT_THAT(fields, ElementsAre("samples[1].response", "samples[2].id", "samples[3].input", "samples[4].input",
                                  "samples[5].prompt_tokens", "samples[5].input"));
}

TEST(SampleIntakeTest, GivenIdMayNotBeTheNumberThatAnotherGets) {
  v1::SampleBatch batch;
  *batch.add_samples() = Pair("2", "x");
  *batch.add_samples() = Pair("", "y");
  SampleIntake intake("samples");
  Violations violations;
  std::string records;
  ASSERT_TRUE(intake.Add(batch, violations, records).ok());
  EXPECT_EQ(DetailsOf(violations.status()).violations.at(0).field, "samples[1].id");
}

TEST(SampleIntakeTest, OversizedBatchAndEmptyDatasetAreRefused) {
  v1::SampleBatch batch;
  *batch.add_samples() = Pair("a", std::string(kMaxBlockBytes, 'x'));
  SampleIntake intake("samples");
  Violations violations, empty;
  std::string records;
  ASSERT_TRUE(intake.Add(batch, violations, records).ok());
  EXPECT_FALSE(violations.empty());
  SampleIntake("samples").CheckWhole(empty);
  EXPECT_FALSE(empty.empty());
}

}  // namespace
}  // namespace headscope::server
