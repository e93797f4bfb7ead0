// Which pattern a request means.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "headscope/v1/pattern.pb.h"
#include "server/analysis/statistics/pattern_matrix.h"
#include "server/jobs/job.h"
#include "server/jobs/options.h"
#include "server/service/violations.h"

namespace headscope::server {

// What is known of the model that a pattern is of.
struct PatternModel {
  std::string name;
  std::string digest;
  ModelFacts facts;
};

struct InlinePattern {
  PatternMatrix matrix;
  std::optional<std::vector<double>> standard_error;
  PatternModel model;
};

// A checked v1.PatternReference.
struct PatternReference {
  // How messages call it: "patterns/p-x", a label, or the field it stands in.
  std::string title;
  // "p-x"; empty for an inline one.
  std::string id;
  std::optional<ReductionOptions> reduction;
  std::optional<InlinePattern> inlined;
  // Null where nothing is subtracted.
  std::shared_ptr<const PatternReference> minus;
};

PatternReference ValidateReference(const v1::PatternReference& reference, const std::string& field,
                                   Violations& violations);
// Adds a violation unless there are `least` to `most`.
std::vector<PatternReference> ValidateReferences(
    const google::protobuf::RepeatedPtrField<v1::PatternReference>& references, std::size_t least, std::size_t most,
    const std::string& field, Violations& violations);

// A [layers, heads] matrix of finite values, FLOAT32 or FLOAT64.
PatternMatrix ValidateMatrix(const v1::Tensor& tensor, const std::string& field, Violations& violations);
// The same shape as `matrix`, nothing negative.
std::vector<double> ValidateStandardError(const v1::Tensor& tensor, const PatternMatrix& matrix,
                                          const std::string& field, Violations& violations);
PatternModel ValidatePatternModel(const v1::PatternModel& model, const std::string& field, Violations& violations);
void CheckLength(const std::string& text, std::size_t most, const std::string& field, Violations& violations);

// The values of a FLOAT32 or FLOAT64 tensor. INVALID_ARGUMENT for any other, and where bytes and shape do not fit.
absl::StatusOr<std::vector<double>> DecodeValues(const v1::Tensor& tensor);

}  // namespace headscope::server
