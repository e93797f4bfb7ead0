#include "server/service/pattern_reference.h"

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "proto/support/limits.h"
#include "proto/support/wire/tensor_codec.h"
#include "server/service/resource_names.h"
#include "server/service/validate.h"

namespace headscope::server {
namespace {

constexpr std::size_t kDigestBytes = 32;

InlinePattern ValidateInline(const v1::InlinePattern& proto, const std::string& field, Violations& violations) {
  InlinePattern pattern;
  pattern.matrix = ValidateMatrix(proto.values(), absl::StrCat(field, ".values"), violations);
  if (proto.has_standard_error()) {
    pattern.standard_error = ValidateStandardError(proto.standard_error(), pattern.matrix,
                                                   absl::StrCat(field, ".standard_error"), violations);
  }
  pattern.model = ValidatePatternModel(proto.model(), absl::StrCat(field, ".model"), violations);
  CheckLength(proto.label(), kMaxDisplayNameBytes, absl::StrCat(field, ".label"), violations);
  return pattern;
}

}  // namespace

absl::StatusOr<std::vector<double>> DecodeValues(const v1::Tensor& tensor) {
  if (tensor.dtype() != v1::DTYPE_FLOAT32) return DecodeFloat64(tensor);
  const absl::StatusOr<std::vector<float>> values = DecodeFloat32(tensor);
  if (!values.ok()) return values.status();
  return std::vector<double>(values->begin(), values->end());
}

void CheckLength(const std::string& text, std::size_t most, const std::string& field, Violations& violations) {
  if (text.size() > most) {
    violations.Add(field, absl::StrCat("has ", text.size(), " bytes, at most ", most, " are allowed"));
  }
}

PatternMatrix ValidateMatrix(const v1::Tensor& tensor, const std::string& field, Violations& violations) {
  PatternMatrix matrix;
  if (tensor.shape_size() != 2) {
    violations.Add(field, absl::StrCat("has ", tensor.shape_size(), " axes, [layers, heads] are needed"));
    return matrix;
  }
  const std::uint64_t values = std::uint64_t{tensor.shape(0)} * tensor.shape(1);
  if (values > kMaxPatternValues) {
    violations.Add(field, absl::StrCat("has ", tensor.shape(0), " x ", tensor.shape(1), " heads, at most ",
                                       kMaxPatternValues, " are allowed"));
    return matrix;
  }
  absl::StatusOr<std::vector<double>> decoded = DecodeValues(tensor);
  if (!decoded.ok()) {
    violations.Add(field, std::string(decoded.status().message()));
    return matrix;
  }
  matrix = {tensor.shape(0), tensor.shape(1), *std::move(decoded)};
  if (absl::Status status = CheckPattern(matrix, field); !status.ok()) {
    violations.Add(field, std::string(status.message()), ReasonOf(status));
  }
  return matrix;
}

std::vector<double> ValidateStandardError(const v1::Tensor& tensor, const PatternMatrix& matrix,
                                          const std::string& field, Violations& violations) {
  const PatternMatrix errors = ValidateMatrix(tensor, field, violations);
  if (errors.layers != matrix.layers || errors.heads != matrix.heads) {
    violations.Add(field, absl::StrCat("has ", ShapeText(errors), ", the values have ", ShapeText(matrix)));
  }
  for (const double error : errors.values) {
    if (error >= 0) continue;
    violations.Add(field, absl::StrCat("has the negative value ", error));
    break;
  }
  return errors.values;
}

PatternModel ValidatePatternModel(const v1::PatternModel& proto, const std::string& field, Violations& violations) {
  PatternModel model;
  model.name = proto.name();
  model.digest = proto.digest();
  model.facts.family = proto.family();
  model.facts.kv_heads = proto.kv_heads();
  model.facts.head_dim = proto.head_dim();
  if (!model.name.empty()) model.name = ParseModelName(model.name, absl::StrCat(field, ".name"), violations);
  CheckLength(model.facts.family, kMaxDisplayNameBytes, absl::StrCat(field, ".family"), violations);
  if (!model.digest.empty() && model.digest.size() != kDigestBytes) {
    violations.Add(absl::StrCat(field, ".digest"),
                   absl::StrCat("has ", model.digest.size(), " bytes, a SHA-256 has ", kDigestBytes));
  }
  return model;
}

PatternReference ValidateReference(const v1::PatternReference& proto, const std::string& field,
                                   Violations& violations) {
  PatternReference reference;
  reference.title = field;
  if (proto.has_inline_pattern()) {
    if (!proto.inline_pattern().label().empty()) reference.title = proto.inline_pattern().label();
    reference.inlined = ValidateInline(proto.inline_pattern(), absl::StrCat(field, ".inline_pattern"), violations);
    if (proto.has_reduction()) {
      violations.Add(absl::StrCat(field, ".reduction"), "belongs to a job's pattern, this one comes with the request",
                     "REDUCTION_NOT_APPLICABLE");
    }
  } else {
    reference.id = ParsePatternOrJobName(proto.name(), absl::StrCat(field, ".name"), violations);
    if (!reference.id.empty()) reference.title = PatternName(reference.id);
    if (proto.has_reduction()) {
      reference.reduction = ValidateReduction(proto.reduction(), absl::StrCat(field, ".reduction"), violations);
    }
  }
  if (!proto.has_minus()) return reference;
  const std::string minus = absl::StrCat(field, ".minus");
  if (proto.minus().has_minus()) {
    violations.Add(absl::StrCat(minus, ".minus"), "is a difference within a difference, which is not supported");
    return reference;
  }
  reference.minus = std::make_shared<const PatternReference>(ValidateReference(proto.minus(), minus, violations));
  return reference;
}

std::vector<PatternReference> ValidateReferences(
    const google::protobuf::RepeatedPtrField<v1::PatternReference>& references, std::size_t least, std::size_t most,
    const std::string& field, Violations& violations) {
  std::vector<PatternReference> checked;
  const auto count = static_cast<std::size_t>(references.size());
  if (count < least || count > most) {
    violations.Add(field, absl::StrCat("has ", count, " patterns, ", least, " to ", most, " are allowed"));
    return checked;
  }
  for (int i = 0; i < references.size(); ++i) {
    checked.push_back(ValidateReference(references[i], absl::StrCat(field, "[", i, "]"), violations));
  }
  return checked;
}

}  // namespace headscope::server
