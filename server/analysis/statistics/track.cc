#include "server/analysis/statistics/track.h"

#include <array>
#include <utility>

#include "server/analysis/statistics/similarity.h"

namespace headscope::server {
namespace {

constexpr std::array<std::pair<Measure, double Change::*>, 4> kMeasures{{{Measure::kMse, &Change::mse},
                                                                         {Measure::kPearson, &Change::pearson},
                                                                         {Measure::kSpearman, &Change::spearman},
                                                                         {Measure::kCosine, &Change::cosine}}};

}  // namespace

std::vector<TrackPoint> Track(const std::vector<PatternMatrix>& patterns, std::uint32_t ddof, bool magnitudes) {
  std::vector<TrackPoint> points(patterns.size());
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    points[i].dispersion = DispersionOf(patterns[i].values, ddof, magnitudes);
    if (i > 0) points[i].against_previous.emplace();
  }
  const SimilarityOptions options;
  for (const auto& [measure, field] : kMeasures) {
    const Comparison comparison{measure, false};
    std::vector<PreparedPattern> prepared;
    for (const PatternMatrix& pattern : patterns) prepared.push_back(Prepare(comparison, pattern, options));
    for (std::size_t i = 0; i < points.size(); ++i) {
      points[i].against_first.*field = Similarity(comparison, prepared.front(), prepared[i], options);
      points[i].against_last.*field = Similarity(comparison, prepared.back(), prepared[i], options);
      if (i > 0) (*points[i].against_previous).*field = Similarity(comparison, prepared[i - 1], prepared[i], options);
    }
  }
  return points;
}

}  // namespace headscope::server
