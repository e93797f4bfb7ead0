#include "server/analysis/statistics/decomposition.h"

#include <Eigen/QR>

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/support/error.h"
#include "server/analysis/statistics/design.h"
#include "server/analysis/statistics/student_t.h"

namespace headscope::server {
namespace {

constexpr std::uint64_t kHeadStream = 0x68656164;
constexpr std::uint64_t kPermutationStream = 0x7065726d;

absl::Status Check(const Design& design, const std::vector<std::string>& names, const DecomposeOptions& options) {
  const Eigen::Index basis = design.columns.cols();
  if (basis == 0) return Refused("the basis is empty, at least one pattern is needed", "NO_BASIS");
  if (options.rank_subsets && names.size() > kMaxSubsetBasis) {
    return Refused(
        absl::StrCat("the basis has ", names.size(), " patterns, its subsets are ranked for at most ", kMaxSubsetBasis),
        "TOO_MANY_SUBSETS");
  }
  if (options.interval == CoefficientInterval::kOlsStandardError && options.fit == FitKind::kNonNegative) {
    return Refused(
        "standard errors of ordinary least squares do not hold for non-negative coefficients; ask for a "
        "bootstrap over heads",
        "INTERVAL_NOT_DEFINED");
  }
  if (design.columns.rows() <= design.parameters(basis)) {
    return Refused(absl::StrCat("the patterns have ", design.columns.rows(), " heads; fitting ",
                                design.parameters(basis), " numbers needs more than that"),
                   "TOO_FEW_HEADS");
  }
  if (!design.HasFullRank()) {
    return Refused(absl::StrCat("one of the patterns ", absl::StrJoin(names, ", "),
                                design.intercept ? " is constant or a combination of the others and a constant"
                                                 : " is all 0 or a combination of the others",
                                ", so the coefficients are not determined; leave it out"),
                   "COLLINEAR_BASIS");
  }
  return absl::OkStatus();
}

Eigen::VectorXd SolveWhole(const Design& design, FitKind kind) {
  return kind == FitKind::kOrdinary ? design.SolveByQr() : SolveNonNegative(design.equations);
}

double ResidualSquares(const Design& design, const Eigen::VectorXd& coefficients) {
  return (design.target - design.columns * coefficients).squaredNorm();
}

// Variances of the coefficients over that of the noise, the intercept's last: the diagonal of (X'X)^-1.
Eigen::VectorXd InverseDiagonal(const Eigen::MatrixXd& design) {
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(design);
  const Eigen::MatrixXd upper = qr.matrixQR().topRows(design.cols()).triangularView<Eigen::Upper>();
  const Eigen::MatrixXd identity = Eigen::MatrixXd::Identity(design.cols(), design.cols());
  const Eigen::MatrixXd inverse = upper.triangularView<Eigen::Upper>().solve(identity);
  return inverse.rowwise().squaredNorm();
}

void AddStandardErrors(const Design& design, double level, Decomposition& fit) {
  const Eigen::Index size = design.columns.cols();
  const auto degrees = static_cast<double>(design.columns.rows() - design.parameters(size));
  const Eigen::VectorXd variances = InverseDiagonal(design.WholeDesign()) * (fit.quality.residual_squares / degrees);
  const double t = TwoSidedStudentT(level, degrees);
  const auto add = [&](Eigen::Index i, Coefficient& coefficient) {
    coefficient.standard_error = std::sqrt(variances[i]);
    const double half = t * *coefficient.standard_error;
    coefficient.interval = Interval{coefficient.value - half, coefficient.value + half};
  };
  for (Eigen::Index i = 0; i < size; ++i) add(i, fit.coefficients[static_cast<std::size_t>(i)]);
  if (fit.intercept) add(size, *fit.intercept);
}

absl::Status AddBootstrap(const PatternMatrix& target, const std::vector<PatternMatrix>& basis,
                          const DecomposeOptions& options, const KeepOn& keep_on, Decomposition& fit) {
  RandomStream random(options.bootstrap.seed, kHeadStream);
  // The intercept's last.
  std::vector<std::vector<double>> values(basis.size() + 1);
  for (std::uint32_t i = 0; i < options.bootstrap.resamples; ++i) {
    if (absl::Status status = keep_on(); !status.ok()) return status;
    const std::vector<std::uint32_t> from = ResampledHeads(target, random);
    std::vector<PatternMatrix> resampled;
    for (const PatternMatrix& pattern : basis) resampled.push_back(Taken(pattern, from));
    const Design design(Taken(target, from), resampled, options.intercept);
    // Few heads may be drawn so often that a resample determines nothing.
    if (!design.HasFullRank()) continue;
    const Eigen::VectorXd coefficients = Solve(design.equations, options.fit);
    for (std::size_t j = 0; j < basis.size(); ++j) values[j].push_back(coefficients[static_cast<Eigen::Index>(j)]);
    values.back().push_back(design.InterceptOf(coefficients));
  }
  for (std::size_t j = 0; j < basis.size(); ++j) {
    fit.coefficients[j].interval = PercentileInterval(std::move(values[j]), options.bootstrap.level);
  }
  if (fit.intercept) fit.intercept->interval = PercentileInterval(std::move(values.back()), options.bootstrap.level);
  return absl::OkStatus();
}

absl::Status AddPermutationNull(const PatternMatrix& target, const Design& design, const DecomposeOptions& options,
                                const KeepOn& keep_on, Decomposition& fit) {
  if (!fit.quality.r2_centred) return absl::OkStatus();
  RandomStream random(options.permutation->seed, kPermutationStream);
  NormalEquations equations = design.equations;
  // The observed fit by the same arithmetic, so that a permutation that changes nothing counts as equal.
  const double observed = equations.ResidualSquares(Solve(equations, options.fit));
  const double tolerance = 1e-12 * design.centred_squares;
  std::vector<double> r2;
  std::uint32_t hits = 0;
  for (std::uint32_t i = 0; i < options.permutation->permutations; ++i) {
    if (absl::Status status = keep_on(); !status.ok()) return status;
    const std::vector<std::uint32_t> from = ShuffledHeads(target, options.permutation->shuffle, random);
    Eigen::VectorXd shuffled(design.target.size());
    for (Eigen::Index j = 0; j < shuffled.size(); ++j) shuffled[j] = design.target[from[static_cast<std::size_t>(j)]];
    equations.projection = design.columns.transpose() * shuffled;
    const double squares = equations.ResidualSquares(Solve(equations, options.fit));
    if (squares <= observed + tolerance) ++hits;
    r2.push_back(1 - squares / design.centred_squares);
  }
  PermutationNull& null = fit.permutation.emplace();
  null.p_value = (1.0 + hits) / (1.0 + options.permutation->permutations);
  for (const double value : r2) null.mean += value / static_cast<double>(r2.size());
  null.quantile_95 = Quantile(std::move(r2), 0.95);
  return absl::OkStatus();
}

SubsetFit FitSubset(const Design& design, FitKind kind, std::uint32_t mask) {
  SubsetFit subset;
  std::vector<Eigen::Index> columns;
  for (std::uint32_t i = 0; mask >> i != 0; ++i) {
    if ((mask >> i & 1) == 0) continue;
    subset.members.push_back(i);
    columns.push_back(i);
  }
  const NormalEquations equations = design.EquationsOf(columns);
  const Eigen::VectorXd coefficients = Solve(equations, kind);
  subset.coefficients.assign(coefficients.begin(), coefficients.end());
  Eigen::VectorXd all = Eigen::VectorXd::Zero(design.columns.cols());
  all(columns) = coefficients;
  if (design.intercept) subset.intercept = design.InterceptOf(all);
  subset.quality = design.Quality(ResidualSquares(design, all), coefficients.size());
  return subset;
}

std::vector<SubsetFit> RankSubsets(const Design& design, FitKind kind) {
  std::vector<SubsetFit> subsets;
  for (std::uint32_t mask = 1; mask < std::uint32_t{1} << design.columns.cols(); ++mask) {
    subsets.push_back(FitSubset(design, kind, mask));
  }
  std::sort(subsets.begin(), subsets.end(), [](const SubsetFit& left, const SubsetFit& right) {
    const double left_r2 = left.quality.r2_adjusted.value_or(-INFINITY);
    const double right_r2 = right.quality.r2_adjusted.value_or(-INFINITY);
    if (left_r2 != right_r2) return left_r2 > right_r2;
    if (left.members.size() != right.members.size()) return left.members.size() < right.members.size();
    return left.members < right.members;
  });
  return subsets;
}

// r2_centred of the same fit with an intercept.
std::optional<double> WithIntercept(const PatternMatrix& target, const std::vector<PatternMatrix>& basis,
                                    FitKind kind) {
  const Design design(target, basis, true);
  if (!design.HasFullRank()) return std::nullopt;
  const Eigen::VectorXd coefficients = SolveWhole(design, kind);
  return design.Quality(ResidualSquares(design, coefficients), coefficients.size()).r2_centred;
}

Decomposition Fitted(const PatternMatrix& target, const std::vector<PatternMatrix>& basis, const Design& design,
                     const DecomposeOptions& options) {
  const Eigen::VectorXd coefficients = SolveWhole(design, options.fit);
  const Eigen::VectorXd residuals = design.target - design.columns * coefficients;
  Decomposition fit;
  for (const double value : coefficients) fit.coefficients.push_back({value, std::nullopt, std::nullopt});
  if (options.intercept) fit.intercept = {design.InterceptOf(coefficients), std::nullopt, std::nullopt};
  fit.quality = design.Quality(residuals.squaredNorm(), coefficients.size());
  fit.r2_with_intercept = options.intercept ? fit.quality.r2_centred : WithIntercept(target, basis, options.fit);
  fit.condition_number = ConditionNumber(design.WholeDesign());
  fit.scaled_condition_number = ConditionNumber(WithUnitColumns(design.WholeDesign()));
  fit.vif = VarianceInflation(basis);
  fit.residuals = {target.layers, target.heads, std::vector<double>(residuals.begin(), residuals.end())};
  return fit;
}

}  // namespace

absl::StatusOr<Decomposition> Decompose(const PatternMatrix& target, const std::vector<PatternMatrix>& basis,
                                        const std::vector<std::string>& names, const DecomposeOptions& options,
                                        const KeepOn& keep_on) {
  const Design design(target, basis, options.intercept);
  if (absl::Status status = Check(design, names, options); !status.ok()) return status;
  Decomposition fit = Fitted(target, basis, design, options);
  if (options.interval == CoefficientInterval::kOlsStandardError) {
    AddStandardErrors(design, options.bootstrap.level, fit);
  } else if (options.interval == CoefficientInterval::kBootstrapHeads) {
    if (absl::Status status = AddBootstrap(target, basis, options, keep_on, fit); !status.ok()) return status;
  }
  if (options.permutation) {
    if (absl::Status status = AddPermutationNull(target, design, options, keep_on, fit); !status.ok()) return status;
  }
  if (options.rank_subsets) fit.subsets = RankSubsets(design, options.fit);
  return fit;
}

}  // namespace headscope::server
