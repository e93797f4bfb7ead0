// Every field of a submission, each with the values that are refused; and that all faults come at once.
#include "server/service/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "proto/support/limits.h"

namespace headscope::server {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

v1::SubmitJobRequest GoodRequest() {
  v1::SubmitJobRequest request;
  request.mutable_spec()->set_model("models/family/model");
  request.mutable_spec()->set_dataset("datasets/" + std::string(64, 'a'));
  return request;
}

std::vector<std::string> Fields(const absl::Status& status) {
  std::vector<std::string> fields;
  for (const FieldViolation& violation : DetailsOf(status).violations) fields.push_back(violation.field);
  return fields;
}

absl::Status StatusOf(const v1::SubmitJobRequest& request) {
  Violations violations;
  ValidateSubmit(request, violations);
  return violations.status();
}

struct Case {
  const char* name;
  const char* field;
  std::function<void(v1::SubmitJobRequest&)> spoil;
};

class RefusedFieldTest : public testing::TestWithParam<Case> {};

TEST_P(RefusedFieldTest, IsNamedAlone) {
  v1::SubmitJobRequest request = GoodRequest();
  GetParam().spoil(request);
  const absl::Status status = StatusOf(request);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Fields(status), ElementsAre(GetParam().field)) << status;
  EXPECT_NE(ReasonOf(status), "");
}

v1::Execution& ExecutionOf(v1::SubmitJobRequest& request) { return *request.mutable_spec()->mutable_execution(); }
v1::Compute& ComputeOf(v1::SubmitJobRequest& request) { return *request.mutable_spec()->mutable_compute(); }
v1::Reduction& ReductionOf(v1::SubmitJobRequest& request) { return *request.mutable_spec()->mutable_reduction(); }
void SetModel(v1::SubmitJobRequest& request, const std::string& name) { request.mutable_spec()->set_model(name); }
void SetLabel(v1::SubmitJobRequest& request, const std::string& key, const std::string& value) {
  (*request.mutable_spec()->mutable_labels())[key] = value;
}
// A field that only a newer client knows.
void AddUnknown(google::protobuf::Message& message, int number) {
  message.GetReflection()->MutableUnknownFields(&message)->AddLengthDelimited(number, "");
}

const Case kCases[] = {
    {"SpecAbsent", "spec", [](auto& r) { r.clear_spec(); }},
    {"ModelEmpty", "spec.model", [](auto& r) { SetModel(r, ""); }},
    {"ModelOnlyPrefix", "spec.model", [](auto& r) { SetModel(r, "models/"); }},
    {"ModelAbsolute", "spec.model", [](auto& r) { SetModel(r, "/etc/model"); }},
    {"ModelAbove", "spec.model", [](auto& r) { SetModel(r, "a/../../b"); }},
    {"ModelDot", "spec.model", [](auto& r) { SetModel(r, "./a"); }},
    {"ModelEmptyPart", "spec.model", [](auto& r) { SetModel(r, "a//b"); }},
    {"ModelTrailingSlash", "spec.model", [](auto& r) { SetModel(r, "a/"); }},
    {"ModelTooLong", "spec.model", [](auto& r) { SetModel(r, std::string(kMaxModelNameBytes + 1, 'a')); }},
    {"ModelNul", "spec.model", [](auto& r) { SetModel(r, std::string("a\0b", 3)); }},
    {"ModelNotUtf8", "spec.model", [](auto& r) { SetModel(r, "a\xff"); }},
    {"ModelBackslash", "spec.model", [](auto& r) { SetModel(r, "a\\..\\b"); }},
    {"DigestOfWrongLength", "spec.model_digest", [](auto& r) { r.mutable_spec()->set_model_digest("abc"); }},
    {"NoData", "spec.dataset", [](auto& r) { r.mutable_spec()->clear_dataset(); }},
    {"DatasetNotHex", "spec.dataset",
     [](auto& r) { r.mutable_spec()->set_dataset("datasets/" + std::string(64, 'g')); }},
    {"DatasetUpperCase", "spec.dataset", [](auto& r) { r.mutable_spec()->set_dataset(std::string(64, 'A')); }},
    {"DatasetShort", "spec.dataset", [](auto& r) { r.mutable_spec()->set_dataset("datasets/abc"); }},
    {"UnknownMethod", "spec.compute", [](auto& r) { AddUnknown(ComputeOf(r), 2); }},
    {"UnknownMethodOption", "spec.compute.gradient", [](auto& r) { AddUnknown(*ComputeOf(r).mutable_gradient(), 1); }},
    {"UnknownDType", "spec.compute.dtype", [](auto& r) { ComputeOf(r).set_dtype(static_cast<v1::DType>(99)); }},
    {"BFloat16OnReference", "spec.compute.dtype",
     [](auto& r) {
       ComputeOf(r).set_dtype(v1::DTYPE_BFLOAT16);
       ComputeOf(r).set_engine(v1::ENGINE_REFERENCE);
     }},
    {"Float64OnFast", "spec.compute.dtype",
     [](auto& r) {
       ComputeOf(r).set_dtype(v1::DTYPE_FLOAT64);
       ComputeOf(r).set_engine(v1::ENGINE_FAST);
     }},
    {"UnknownEngine", "spec.compute.engine", [](auto& r) { ComputeOf(r).set_engine(static_cast<v1::Engine>(3)); }},
    {"UnknownOnInvalid", "spec.compute.on_invalid",
     [](auto& r) { ComputeOf(r).set_on_invalid(static_cast<v1::OnInvalid>(3)); }},
    {"MaxTokensZero", "spec.compute.max_tokens", [](auto& r) { ComputeOf(r).set_max_tokens(0); }},
    {"MaxTokensOne", "spec.compute.max_tokens", [](auto& r) { ComputeOf(r).set_max_tokens(1); }},
    {"UnknownReductionField", "spec.reduction", [](auto& r) { AddUnknown(ReductionOf(r), 9); }},
    {"UnknownLossScale", "spec.reduction.loss_scale",
     [](auto& r) { ReductionOf(r).set_loss_scale(static_cast<v1::LossScale>(4)); }},
    {"UnknownAbsolute", "spec.reduction.absolute",
     [](auto& r) { ReductionOf(r).set_absolute(static_cast<v1::Absolute>(-1)); }},
    {"UnknownPositions", "spec.reduction.positions",
     [](auto& r) { ReductionOf(r).set_positions(static_cast<v1::Positions>(9)); }},
    {"UnknownLayerNorm", "spec.reduction.layer_norm",
     [](auto& r) { ReductionOf(r).set_layer_norm(static_cast<v1::LayerNorm>(9)); }},
    {"UnknownHeadAxis", "spec.reduction.head_axis",
     [](auto& r) { ReductionOf(r).set_head_axis(static_cast<v1::HeadAxis>(9)); }},
    {"ScriptBatchWithoutItsScale", "spec.reduction.script_batch", [](auto& r) { ReductionOf(r).set_script_batch(4); }},
    {"ScriptBatchZeroWithoutItsScale", "spec.reduction.script_batch",
     [](auto& r) { ReductionOf(r).set_script_batch(0); }},
    {"ScriptBatchZero", "spec.reduction.script_batch",
     [](auto& r) {
       ReductionOf(r).set_loss_scale(v1::LOSS_SCALE_BATCH_TOKEN_MEAN);
       ReductionOf(r).set_script_batch(0);
     }},
    {"KvGroupPerToken", "spec.reduction.head_axis",
     [](auto& r) {
       ReductionOf(r).set_absolute(v1::ABSOLUTE_PER_TOKEN);
       ReductionOf(r).set_head_axis(v1::HEAD_AXIS_KV_GROUP);
     }},
    {"PriorityTooHigh", "spec.execution.priority", [](auto& r) { ExecutionOf(r).set_priority(101); }},
    {"PriorityTooLow", "spec.execution.priority", [](auto& r) { ExecutionOf(r).set_priority(-101); }},
    {"BatchTokensTooFew", "spec.execution.batch_tokens", [](auto& r) { ExecutionOf(r).set_batch_tokens(15); }},
    {"BatchTokensTooMany", "spec.execution.batch_tokens",
     [](auto& r) { ExecutionOf(r).set_batch_tokens(kMaxBatchTokens + 1); }},
    {"QueueTtlZero", "spec.execution.queue_ttl", [](auto& r) { ExecutionOf(r).mutable_queue_ttl(); }},
    {"QueueTtlNegative", "spec.execution.queue_ttl",
     [](auto& r) { ExecutionOf(r).mutable_queue_ttl()->set_seconds(-1); }},
    {"QueueTtlNanosOutOfRange", "spec.execution.queue_ttl",
     [](auto& r) { ExecutionOf(r).mutable_queue_ttl()->set_nanos(1'000'000'000); }},
    {"MaxAttemptsZero", "spec.execution.max_attempts", [](auto& r) { ExecutionOf(r).set_max_attempts(0); }},
    {"MaxAttemptsTooMany", "spec.execution.max_attempts",
     [](auto& r) { ExecutionOf(r).set_max_attempts(kMaxMaxAttempts + 1); }},
    {"LabelKeyUpperCase", "spec.labels", [](auto& r) { SetLabel(r, "Task", "x"); }},
    {"LabelKeyEmpty", "spec.labels", [](auto& r) { SetLabel(r, "", "x"); }},
    {"LabelKeyTooLong", "spec.labels", [](auto& r) { SetLabel(r, std::string(64, 'a'), "x"); }},
    {"LabelKeyStartsWithDot", "spec.labels", [](auto& r) { SetLabel(r, ".a", "x"); }},
    {"LabelValueTooLong", "spec.labels.task",
     [](auto& r) { SetLabel(r, "task", std::string(kMaxLabelValueBytes + 1, 'a')); }},
    {"TooManyLabels", "spec.labels",
     [](auto& r) {
       for (std::size_t i = 0; i <= kMaxLabels; ++i) SetLabel(r, absl::StrCat("k", i), "x");
     }},
    {"RequestIdTooLong", "request_id", [](auto& r) { r.set_request_id(std::string(kMaxRequestIdBytes + 1, 'a')); }},
};

INSTANTIATE_TEST_SUITE_P(Submit, RefusedFieldTest, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(ValidateTest, GoodRequestPassesWithDefaultsResolved) {
  Violations violations;
  const NewJob job = ValidateSubmit(GoodRequest(), violations);
  EXPECT_TRUE(violations.empty()) << violations.status();
  EXPECT_EQ(job.spec.model, "family/model");
  EXPECT_EQ(job.spec.dataset, std::string(64, 'a'));
  EXPECT_EQ(job.spec.compute, ComputeOptions());
  EXPECT_EQ(job.spec.reduction, ReductionOptions());
  EXPECT_EQ(job.spec.max_attempts, kDefaultMaxAttempts);
  EXPECT_FALSE(job.spec.batch_tokens.has_value());
}

TEST(ValidateTest, EveryOptionIsTaken) {
  v1::SubmitJobRequest request = GoodRequest();
  ComputeOf(request).set_dtype(v1::DTYPE_FLOAT64);
  ComputeOf(request).set_engine(v1::ENGINE_REFERENCE);
  ComputeOf(request).set_append_eos(false);
  ComputeOf(request).set_max_tokens(2);
  ComputeOf(request).set_on_invalid(v1::ON_INVALID_SKIP);
  ComputeOf(request).set_record_tokens(true);
  ReductionOf(request).set_loss_scale(v1::LOSS_SCALE_BATCH_TOKEN_MEAN);
  ReductionOf(request).set_script_batch(7);
  ReductionOf(request).set_absolute(v1::ABSOLUTE_NONE);
  ReductionOf(request).set_positions(v1::POSITIONS_PROMPT);
  ReductionOf(request).set_layer_norm(v1::LAYER_NORM_L2);
  ReductionOf(request).set_head_axis(v1::HEAD_AXIS_KV_GROUP);
  ExecutionOf(request).set_priority(-100);
  ExecutionOf(request).set_batch_tokens(16);
  ExecutionOf(request).mutable_queue_ttl()->set_seconds(90);
  ExecutionOf(request).set_max_attempts(1);
  SetLabel(request, "task", "gsm8k");
  Violations violations;
  const NewJob job = ValidateSubmit(request, violations);
  EXPECT_TRUE(violations.empty()) << violations.status();
  EXPECT_EQ(job.spec.compute,
            (ComputeOptions{"gradient", EngineKind::kReference, DType::kFloat64, false, 2u, OnInvalid::kSkip, true}));
  EXPECT_EQ(job.spec.reduction, (ReductionOptions{LossScale::kBatchTokenMean, 7, Absolute::kNone, Positions::kPrompt,
                                                  LayerNorm::kL2, HeadAxis::kKvGroup}));
  EXPECT_EQ(job.spec.priority, -100);
  EXPECT_EQ(job.spec.batch_tokens, 16u);
  EXPECT_EQ(job.spec.queue_ttl, absl::Seconds(90));
  EXPECT_EQ(job.spec.max_attempts, 1u);
  EXPECT_EQ(job.spec.labels.at("task"), "gsm8k");
}

TEST(ValidateTest, EnginesHaveTheirDtypes) {
  const auto engine_of = [](v1::DType dtype, v1::Engine engine, Violations& violations) {
    v1::SubmitJobRequest request = GoodRequest();
    ComputeOf(request).set_dtype(dtype);
    ComputeOf(request).set_engine(engine);
    return ValidateSubmit(request, violations).spec.compute.engine;
  };
  Violations none;
  EXPECT_EQ(engine_of(v1::DTYPE_FLOAT32, v1::ENGINE_UNSPECIFIED, none), EngineKind::kFast);
  EXPECT_EQ(engine_of(v1::DTYPE_BFLOAT16, v1::ENGINE_UNSPECIFIED, none), EngineKind::kFast);
  EXPECT_EQ(engine_of(v1::DTYPE_FLOAT64, v1::ENGINE_UNSPECIFIED, none), EngineKind::kReference);
  EXPECT_EQ(engine_of(v1::DTYPE_FLOAT32, v1::ENGINE_REFERENCE, none), EngineKind::kReference);
  EXPECT_TRUE(none.empty()) << none.status();
  Violations wide, narrow;
  engine_of(v1::DTYPE_FLOAT64, v1::ENGINE_FAST, wide);
  EXPECT_FALSE(wide.empty()) << "the fast engine has no float64";
  engine_of(v1::DTYPE_BFLOAT16, v1::ENGINE_REFERENCE, narrow);
  EXPECT_FALSE(narrow.empty()) << "the reference engine has no bfloat16";
}

TEST(ValidateTest, EverythingWrongIsSaidAtOnce) {
  v1::SubmitJobRequest request;
  request.mutable_spec()->set_model("../x");
  ComputeOf(request).set_max_tokens(1);
  ComputeOf(request).set_dtype(v1::DTYPE_BFLOAT16);
  ComputeOf(request).set_engine(v1::ENGINE_REFERENCE);
  ReductionOf(request).set_script_batch(1);
  ExecutionOf(request).set_priority(1000);
  request.set_request_id(std::string(500, 'x'));
  EXPECT_THAT(Fields(StatusOf(request)),
              UnorderedElementsAre("spec.model", "spec.dataset", "spec.compute.max_tokens", "spec.compute.dtype",
                                   "spec.reduction.script_batch", "spec.execution.priority", "request_id"));
}

TEST(ValidateTest, BFloat16IsRefusedSayingWhatTheReferenceEngineComputesIn) {
  v1::SubmitJobRequest request = GoodRequest();
  ComputeOf(request).set_dtype(v1::DTYPE_BFLOAT16);
  ComputeOf(request).set_engine(v1::ENGINE_REFERENCE);
  EXPECT_THAT(std::string(StatusOf(request).message()), HasSubstr("FLOAT32 or FLOAT64"));
}

TEST(ValidateTest, UndeterminedReductionHasItsOwnReason) {
  v1::SubmitJobRequest request = GoodRequest();
  ReductionOf(request).set_absolute(v1::ABSOLUTE_PER_TOKEN);
  ReductionOf(request).set_head_axis(v1::HEAD_AXIS_KV_GROUP);
  EXPECT_EQ(ReasonOf(StatusOf(request)), "BAD_REDUCTION");
}

TEST(ValidateTest, FilterRefusesUnknownStatesAndTakesEachOnce) {
  v1::ListJobsRequest request;
  request.add_states(v1::Job::FAILED);
  request.add_states(v1::Job::FAILED);
  EXPECT_THAT(ValidateFilter(request)->states, ElementsAre(JobState::kFailed));
  request.add_states(static_cast<v1::Job::State>(0));
  request.set_model("..");
  EXPECT_THAT(Fields(ValidateFilter(request).status()), ElementsAre("states[2]", "model"));
}

TEST(ValidateTest, TokenizeCountsTextAndResponseTogether) {
  v1::TokenizeRequest request;
  request.set_model("m");
  request.set_text(std::string(kMaxTokenizeBytes, 'a'));
  EXPECT_TRUE(ValidateTokenize(request).ok());
  request.set_response("b");
  EXPECT_THAT(Fields(ValidateTokenize(request).status()), Contains("text"));
}

TEST(ValidateTest, PageSizeIsCoerced) {
  EXPECT_EQ(PageSize(0, 50), 50u);
  EXPECT_EQ(PageSize(7, 50), 7u);
  EXPECT_EQ(PageSize(100'000, 50), kMaxPageSize);
}

TEST(ViolationsTest, ListsABoundedNumberAndCountsAll) {
  Violations violations;
  for (std::size_t i = 0; i < kMaxFieldViolations + 5; ++i) violations.Add(absl::StrCat("f", i), "bad");
  EXPECT_EQ(DetailsOf(violations.status()).violations.size(), kMaxFieldViolations);
  EXPECT_THAT(std::string(violations.status().message()), HasSubstr("and 1004 more"));
}

}  // namespace
}  // namespace headscope::server
