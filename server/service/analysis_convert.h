// What analyses found, into messages.
#pragma once

#include <optional>
#include <vector>

#include "headscope/v1/pattern_service.pb.h"
#include "server/analysis/statistics/decomposition.h"
#include "server/analysis/statistics/description.h"
#include "server/analysis/statistics/mixture.h"
#include "server/analysis/statistics/sample_ranking.h"
#include "server/analysis/statistics/track.h"
#include "server/jobs/pattern.h"

namespace headscope::server {

v1::Interval ToProto(const Interval& interval);
v1::Tensor ToTensor(const PatternMatrix& matrix);
void FillDescription(const Description& description, v1::DescribePatternResponse& response);
void FillDecomposition(const Decomposition& decomposition, v1::DecomposePatternResponse& response);
v1::TrackPoint ToProto(const TrackPoint& point);
void FillRanking(const Ranking& ranking, v1::RankSamplesResponse& response);
v1::MixtureShare ToProto(const MixtureShare& share);
// Without values, for lists.
v1::Pattern ToProto(const PatternRecord& record);

}  // namespace headscope::server
