// Messages of analyses to and from the plain values of this library.
#pragma once

#include "absl/status/statusor.h"
#include "client/headscope/analysis.h"
#include "headscope/v1/pattern_service.pb.h"

namespace headscope::client {

v1::Tensor ToProto(const Matrix& matrix);
v1::PatternModel ToProto(const PatternModel& model);
v1::PatternReference ToProto(const PatternReference& reference);
v1::DescribePatternRequest ToProto(const PatternReference& pattern, const DescribeOptions& options);
v1::ComparePatternsRequest ToProto(const std::vector<PatternReference>& patterns, const CompareOptions& options);
v1::DecomposePatternRequest ToProto(const PatternReference& target, const std::vector<PatternReference>& basis,
                                    const DecomposeOptions& options);
v1::RankSamplesRequest ToProto(const PatternReference& target, const RankOptions& options);

// DATA_LOSS when matrices are not what the contract says.
absl::StatusOr<Description> FromProto(const v1::DescribePatternResponse& response);
absl::StatusOr<Decomposition> FromProto(const v1::DecomposePatternResponse& response);
std::vector<TrackPoint> FromProto(const v1::TrackPatternsResponse& response);
Ranking FromProto(const v1::RankSamplesResponse& response);
// A header opens a comparison, rows are added to it.
Comparison FromProto(const v1::ComparePatternsResponse::Header& header);
absl::Status AddRows(const v1::ComparePatternsResponse::Rows& rows, Comparison& comparison);

absl::StatusOr<Matrix> ToMatrix(const v1::Tensor& tensor, const std::string& name);

}  // namespace headscope::client
