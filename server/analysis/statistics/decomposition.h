// One pattern as a combination of others.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/analysis/statistics/pattern_matrix.h"
#include "server/analysis/statistics/resampling.h"

namespace headscope::server {

// Subsets double with every pattern of the basis.
inline constexpr std::size_t kMaxSubsetBasis = 12;

enum class FitKind {
  // Ordinary least squares.
  kOrdinary,
  // The same with coefficients >= 0 (the intercept is free).
  kNonNegative,
};

enum class CoefficientInterval {
  kNone,
  // Percentiles of fits to heads resampled within their layers.
  kBootstrapHeads,
  // Coefficient -+ t * standard error, t of n - p degrees of freedom: heads taken as independent with equal variance.
  // Ordinary least squares only.
  kOlsStandardError,
};

struct DecomposeOptions {
  FitKind fit = FitKind::kOrdinary;
  bool intercept = false;
  CoefficientInterval interval = CoefficientInterval::kNone;
  // `level` counts for either kind of interval.
  Bootstrap bootstrap;
  // Absent: no permutation null.
  std::optional<Permutation> permutation;
  bool rank_subsets = false;
};

// Over n entries with p fitted numbers (the intercept counts): RSS = sum (y - fit)^2.
struct FitQuality {
  double residual_squares = 0;
  // 1 - RSS / sum (y - mean y)^2: the share explained beyond the mean; negative when the mean alone does better. Not
  // defined for a constant target.
  std::optional<double> r2_centred;
  // 1 - RSS / sum y^2: high for any positive pattern by positive patterns, related or not. Not defined for a target of
  // 0.
  std::optional<double> r2_uncentred;
  // 1 - (RSS / (n - p)) / (sum (y - mean y)^2 / (n - 1)).
  std::optional<double> r2_adjusted;
};

struct Coefficient {
  double value = 0;
  // With kOlsStandardError.
  std::optional<double> standard_error;
  std::optional<Interval> interval;
};

struct PermutationNull {
  // (1 + permutations that fit at least as well) / (1 + permutations).
  double p_value = 1;
  // Of r2_centred over the permutations.
  double mean = 0;
  double quantile_95 = 0;
};

struct SubsetFit {
  // Positions in the basis, ascending.
  std::vector<std::uint32_t> members;
  // Of the members.
  std::vector<double> coefficients;
  double intercept = 0;
  FitQuality quality;
};

struct Decomposition {
  std::vector<Coefficient> coefficients;
  // With options.intercept.
  std::optional<Coefficient> intercept;
  FitQuality quality;
  // r2_centred of the same fit with an intercept, whether or not one was asked for.
  std::optional<double> r2_with_intercept;
  // Largest over smallest singular value of the design [entries, basis (+ 1)], and of the same with every column scaled
  // to length 1, so that units do not count.
  double condition_number = 1;
  double scaled_condition_number = 1;
  // Of every basis pattern: 1 / (1 - R2) of fitting it by the others with an intercept; infinite for a constant one.
  std::vector<double> vif;
  std::optional<PermutationNull> permutation;
  // All non-empty subsets of the basis, by r2_adjusted from the best; equal ones: fewer members first, then by
  // position.
  std::vector<SubsetFit> subsets;
  // y - fit.
  PatternMatrix residuals;
};

// INVALID_ARGUMENT: NO_BASIS; TOO_FEW_HEADS unless there are more entries than fitted numbers; COLLINEAR_BASIS where
// patterns of the basis are combinations of each other (a pattern of 0; a constant one beside an intercept), so that no
// coefficients are determined; TOO_MANY_SUBSETS beyond kMaxSubsetBasis; INTERVAL_NOT_DEFINED for kOlsStandardError of
// kNonNegative. All patterns of one shape, finite. `names` of the basis, for messages.
absl::StatusOr<Decomposition> Decompose(const PatternMatrix& target, const std::vector<PatternMatrix>& basis,
                                        const std::vector<std::string>& names, const DecomposeOptions& options,
                                        const KeepOn& keep_on);

}  // namespace headscope::server
