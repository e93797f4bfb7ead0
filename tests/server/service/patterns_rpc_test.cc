// Patterns imported, listed and deleted over the wire.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/server/service/analysis_fixture.h"

namespace headscope::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using PatternsRpcTest = AnalysisRpcTest;

TEST_F(PatternsRpcTest, AnImportedPatternComesBack) {
  v1::ImportPatternRequest request;
  request.set_display_name("step 200");
  request.set_origin("compute_ap.py");
  request.set_samples_scored(7);
  (*request.mutable_labels())["task"] = "copy";
  request.mutable_model()->set_family("llama");
  *request.mutable_values() = EncodeTensor(absl::MakeConstSpan(std::vector<float>{1, 2.5f}), {1, 2});
  *request.mutable_standard_error() = Tensor({0.5, 0.25}, 1, 2);
  ASSERT_TRUE(Import(request).ok());
  v1::GetPatternRequest get;
  get.set_name(imported_.pattern().name());
  v1::GetPatternResponse answer;
  ASSERT_TRUE(harness_.patterns().GetPattern(Context().get(), get, &answer).ok());
  const v1::Pattern& pattern = answer.pattern();
  EXPECT_EQ(pattern.SerializeAsString().size(), imported_.pattern().SerializeAsString().size());
  EXPECT_THAT(*DecodeFloat64(pattern.values()), ElementsAre(1, 2.5));
  EXPECT_THAT(*DecodeFloat64(pattern.standard_error()), ElementsAre(0.5, 0.25));
  EXPECT_EQ(pattern.display_name(), "step 200");
  EXPECT_EQ(pattern.imported().origin(), "compute_ap.py");
  EXPECT_EQ(pattern.labels().at("task"), "copy");
  EXPECT_EQ(pattern.provenance().family(), "llama");
  EXPECT_EQ(pattern.layers(), 1u);
  get.mutable_reduction();
  EXPECT_EQ(ReasonOf(harness_.patterns().GetPattern(Context().get(), get, &answer)), "REDUCTION_NOT_APPLICABLE");
}

TEST_F(PatternsRpcTest, ImportsAreCheckedAndNothingStaysOfRefusedOnes) {
  v1::ImportPatternRequest request;
  *request.mutable_values() = Tensor({1, NAN}, 1, 2);
  const grpc::Status status = Import(request);
  EXPECT_EQ(ReasonOf(status), "BAD_PATTERN");
  EXPECT_THAT(status.error_message(), HasSubstr("layer 0, head 1"));
  *request.mutable_values() = Tensor({1, 2, 3}, 3, 1);
  request.mutable_values()->add_shape(1);
  EXPECT_EQ(ReasonOf(Import(request)), "INVALID_FIELDS");
  *request.mutable_values() = Tensor({1, 2}, 1, 2);
  *request.mutable_standard_error() = Tensor({1, -2}, 1, 2);
  EXPECT_EQ(ReasonOf(Import(request)), "INVALID_FIELDS");
  v1::ListPatternsResponse list;
  ASSERT_TRUE(harness_.patterns().ListPatterns(Context().get(), {}, &list).ok());
  EXPECT_EQ(list.patterns_size(), 0);
  EXPECT_EQ(harness_.blobs().stored_bytes(), 0u);
}

TEST_F(PatternsRpcTest, ARequestIdMakesImportsIdempotent) {
  v1::ImportPatternRequest request;
  request.set_request_id("once");
  *request.mutable_values() = Tensor({1, 2}, 1, 2);
  ASSERT_TRUE(Import(request).ok());
  const std::string name = imported_.pattern().name();
  ASSERT_TRUE(Import(request).ok());
  EXPECT_EQ(imported_.pattern().name(), name);
  *request.mutable_values() = Tensor({1, 3}, 1, 2);
  EXPECT_EQ(ReasonOf(Import(request)), "REQUEST_ID_REUSED");
}

TEST_F(PatternsRpcTest, ListsJobsAndImportsAndDeletesImports) {
  const std::string job = Job();
  const std::string imported = Import(kFirst, "mine");
  v1::ListPatternsRequest request;
  v1::ListPatternsResponse list;
  ASSERT_TRUE(harness_.patterns().ListPatterns(Context().get(), request, &list).ok());
  ASSERT_EQ(list.patterns_size(), 2);
  EXPECT_EQ(list.patterns(0).name(), imported);
  EXPECT_EQ(list.patterns(1).name(), "patterns/p-" + job.substr(2));
  EXPECT_EQ(list.patterns(1).job(), "jobs/" + job);
  EXPECT_EQ(list.patterns(1).provenance().model(), std::string("models/") + ServiceHarness::kModel);
  EXPECT_EQ(list.patterns(1).layers(), 2u);
  EXPECT_FALSE(list.patterns(1).has_values());
  request.set_display_name("mine");
  ASSERT_TRUE(harness_.patterns().ListPatterns(Context().get(), request, &list).ok());
  EXPECT_EQ(list.patterns_size(), 1);
  request.set_page_token("nonsense");
  EXPECT_EQ(ReasonOf(harness_.patterns().ListPatterns(Context().get(), request, &list)), "BAD_PAGE_TOKEN");

  v1::DeletePatternRequest remove;
  v1::DeletePatternResponse removed;
  remove.set_name(imported);
  const std::uint64_t before = harness_.blobs().stored_bytes();
  EXPECT_TRUE(harness_.patterns().DeletePattern(Context().get(), remove, &removed).ok());
  harness_.RemoveUnusedBlobs();
  EXPECT_LT(harness_.blobs().stored_bytes(), before);
  EXPECT_EQ(ReasonOf(harness_.patterns().DeletePattern(Context().get(), remove, &removed)), "PATTERN_NOT_FOUND");
  remove.set_name("patterns/p-" + job.substr(2));
  EXPECT_EQ(ReasonOf(harness_.patterns().DeletePattern(Context().get(), remove, &removed)), "PATTERN_OF_JOB");
}

}  // namespace
}  // namespace headscope::server
