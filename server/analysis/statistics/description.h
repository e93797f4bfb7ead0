// One pattern in numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "server/analysis/statistics/bootstrap.h"
#include "server/analysis/statistics/dispersion.h"
#include "server/analysis/statistics/pattern_matrix.h"
#include "server/analysis/statistics/ranks.h"
#include "server/analysis/statistics/resampling.h"

namespace headscope::server {

struct DescribeOptions {
  // Of the coefficient of variation: 0 or 1.
  std::uint32_t ddof = 0;
  // Dispersion of |x| instead of x.
  bool magnitudes = false;
  HeadOrder order = HeadOrder::kValue;
  // How many of the first heads are listed.
  std::uint32_t top = 10;
  // Of the intervals.
  double level = 0.95;
};

// A number with its percentile interval over resampled samples, where there are any and the number is defined.
struct Estimate {
  std::optional<double> value;
  std::optional<Interval> interval;
};

struct TopHead {
  std::uint32_t layer = 0;
  std::uint32_t head = 0;
  double value = 0;
  // Of the value, where the pattern has any.
  std::optional<double> standard_error;
  std::optional<Interval> interval;
  // Share of the resamples in which the head is among the first `top`.
  std::optional<double> stability;
};

struct Description {
  Estimate gini;
  Estimate cv;
  Estimate kurtosis_fisher;
  Estimate kurtosis_pearson;
  // Nats.
  Estimate entropy;
  Estimate effective_heads;
  // Sum over each layer's heads, and over all.
  std::vector<Estimate> layer_totals;
  Estimate total;
  std::vector<TopHead> top_heads;
};

// `standard_error` ([layers, heads]) and `resampled` may be null.
Description Describe(const PatternMatrix& pattern, const std::vector<double>* standard_error,
                     const ResampledPatterns* resampled, const DescribeOptions& options);

}  // namespace headscope::server
