// Patterns followed along steps or sample counts.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "server/analysis/statistics/dispersion.h"
#include "server/analysis/statistics/pattern_matrix.h"

namespace headscope::server {

// A pattern beside another one (similarity.h); NaN where not defined.
struct Change {
  double mse = 0;
  double pearson = 0;
  double spearman = 0;
  double cosine = 0;
};

struct TrackPoint {
  Dispersion dispersion;
  Change against_first;
  // Absent at the first.
  std::optional<Change> against_previous;
  Change against_last;
};

// One point for every pattern, in their order; all of one shape. `ddof` and `magnitudes` as in DispersionOf.
std::vector<TrackPoint> Track(const std::vector<PatternMatrix>& patterns, std::uint32_t ddof, bool magnitudes);

}  // namespace headscope::server
