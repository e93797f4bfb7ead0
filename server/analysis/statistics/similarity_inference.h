// How sure a similarity is: intervals and p-values.
#pragma once

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "server/analysis/statistics/bootstrap.h"
#include "server/analysis/statistics/resampling.h"
#include "server/analysis/statistics/similarity.h"

namespace headscope::server {

// By resampling heads within their layers, the same heads of both patterns: how much the value depends on which heads
// there are.
absl::StatusOr<Interval> HeadInterval(const Comparison& comparison, const PatternMatrix& left,
                                      const PatternMatrix& right, const SimilarityOptions& options,
                                      const Bootstrap& bootstrap, const KeepOn& keep_on);

// By resampling each pattern's samples on their own: how much the value depends on which samples were scored. Both have
// the same number of resamples; the i-th of one is compared with the i-th of the other.
absl::StatusOr<Interval> SampleInterval(const Comparison& comparison, const ResampledPatterns& left,
                                        const ResampledPatterns& right, const SimilarityOptions& options, double level,
                                        const KeepOn& keep_on);

// The share of permutations of the heads of one of them (the one with the larger first value) after which the patterns
// are at least as alike (kMse: as near) as they are, both counts raised by one: (1 + hits) / (1 + permutations),
// one-sided. Values within 1e-12 count as equal. NaN where the similarity is not defined.
absl::StatusOr<double> PermutationPValue(const Comparison& comparison, const PatternMatrix& left,
                                         const PatternMatrix& right, const SimilarityOptions& options,
                                         const Permutation& permutation, const KeepOn& keep_on);

}  // namespace headscope::server
