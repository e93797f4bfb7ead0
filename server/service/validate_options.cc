// Compute and Reduction: what changes a result.
#include <limits>

#include "absl/strings/str_cat.h"
#include "server/analysis/reduction.h"
#include "server/service/choice.h"
#include "server/service/validate.h"

namespace headscope::server {
namespace {

constexpr std::uint32_t kMinTokens = 2;

// What a newer client may set would change the result: leaving it unread would answer another question.
void RefuseUnknownFields(const google::protobuf::Message& message, const std::string& field, Violations& violations) {
  const auto& unknown = message.GetReflection()->GetUnknownFields(message);
  for (int i = 0; i < unknown.field_count(); ++i) {
    violations.Add(field, absl::StrCat("has field ", unknown.field(i).number(), ", a method or option unknown here"));
  }
}

void ValidateScriptBatch(const v1::Reduction& reduction, const std::string& field, ReductionOptions& options,
                         Violations& violations) {
  if (!reduction.has_script_batch()) return;
  if (options.loss_scale != LossScale::kBatchTokenMean) {
    violations.Add(field, "belongs to `loss_scale` BATCH_TOKEN_MEAN and is refused with any other");
  } else if (reduction.script_batch() == 0) {
    violations.Add(field, "is 0, a batch has at least 1 sample");
  }
  options.script_batch = reduction.script_batch();
}

}  // namespace

ComputeOptions ValidateCompute(const v1::Compute& compute, const std::string& field, Violations& violations) {
  ComputeOptions options;
  RefuseUnknownFields(compute, field, violations);
  if (compute.has_gradient()) RefuseUnknownFields(compute.gradient(), absl::StrCat(field, ".gradient"), violations);
  options.dtype = Choice(kDTypes, compute.dtype(), options.dtype, absl::StrCat(field, ".dtype"), violations);
  // Float64 is for the reference engine alone.
  if (options.dtype == DType::kFloat64) options.engine = EngineKind::kReference;
  options.engine = Choice(kEngines, compute.engine(), options.engine, absl::StrCat(field, ".engine"), violations);
  options.on_invalid =
      Choice(kOnInvalids, compute.on_invalid(), options.on_invalid, absl::StrCat(field, ".on_invalid"), violations);
  if (options.engine == EngineKind::kReference && options.dtype == DType::kBFloat16) {
    violations.Add(absl::StrCat(field, ".dtype"), "is BFLOAT16; the reference engine takes FLOAT32 or FLOAT64");
  }
  if (options.engine == EngineKind::kFast && options.dtype == DType::kFloat64) {
    violations.Add(absl::StrCat(field, ".dtype"),
                   "is FLOAT64; the fast engine takes FLOAT32 or BFLOAT16, choose the reference engine");
  }
  if (compute.has_append_eos()) options.append_eos = compute.append_eos();
  if (compute.has_max_tokens()) {
    if (compute.max_tokens() < kMinTokens) {
      violations.Add(absl::StrCat(field, ".max_tokens"),
                     absl::StrCat("is ", compute.max_tokens(), ", at least ", kMinTokens, " are needed"));
    }
    options.max_tokens = compute.max_tokens();
  }
  options.record_tokens = compute.record_tokens();
  return options;
}

ReductionOptions ValidateReduction(const v1::Reduction& reduction, const std::string& field, Violations& violations) {
  ReductionOptions options;
  const auto path = [&](const char* name) { return absl::StrCat(field, ".", name); };
  RefuseUnknownFields(reduction, field, violations);
  options.loss_scale = Choice(kLossScales, reduction.loss_scale(), options.loss_scale, path("loss_scale"), violations);
  ValidateScriptBatch(reduction, path("script_batch"), options, violations);
  options.absolute = Choice(kAbsolutes, reduction.absolute(), options.absolute, path("absolute"), violations);
  options.positions = Choice(kPositions, reduction.positions(), options.positions, path("positions"), violations);
  options.layer_norm = Choice(kLayerNorms, reduction.layer_norm(), options.layer_norm, path("layer_norm"), violations);
  options.head_axis = Choice(kHeadAxes, reduction.head_axis(), options.head_axis, path("head_axis"), violations);
  // A batch of 0 is said above.
  if (options.script_batch == 0) options.script_batch = kDefaultScriptBatch;
  if (absl::Status status = CheckReduction(options); !status.ok()) {
    violations.Add(path("head_axis"), std::string(status.message()), ReasonOf(status));
  }
  return options;
}

}  // namespace headscope::server
