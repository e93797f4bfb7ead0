// Target and basis of a decomposition as a least squares problem. Internal to this folder, with Eigen's types.
#pragma once

#include <Eigen/Core>
#include <vector>

#include "server/analysis/statistics/decomposition.h"
#include "server/analysis/statistics/fit.h"

namespace headscope::server {

// With an intercept, columns and target are centred: the fit of what is left gives the same coefficients, and the
// intercept follows from the means.
struct Design {
  Design(const PatternMatrix& target, const std::vector<PatternMatrix>& basis, bool intercept);

  // Fitted numbers, and what they leave of `entries`.
  Eigen::Index parameters(Eigen::Index members) const { return members + (intercept ? 1 : 0); }
  FitQuality Quality(double residual_squares, Eigen::Index members) const;
  double InterceptOf(const Eigen::VectorXd& coefficients) const { return target_mean - means.dot(coefficients); }
  // The problem of some columns alone.
  NormalEquations EquationsOf(const std::vector<Eigen::Index>& members) const;
  // The basis as it was given, with a column of ones for an intercept: [entries, basis (+ 1)].
  Eigen::MatrixXd WholeDesign() const;
  // Whether no column is a combination of the others.
  bool HasFullRank() const;
  // Minimum without constraints, by a QR decomposition of the columns: twice the digits of the normal equations.
  Eigen::VectorXd SolveByQr() const;

  bool intercept;
  // [entries, basis] and [entries].
  Eigen::MatrixXd columns;
  Eigen::VectorXd target;
  // 0 without an intercept.
  Eigen::VectorXd means;
  double target_mean = 0;
  NormalEquations equations;
  // Sums of squares of the target as given: about 0 and about its mean.
  double squares = 0;
  double centred_squares = 0;
};

// Largest over smallest singular value.
double ConditionNumber(const Eigen::MatrixXd& design);
// Every column divided by its length.
Eigen::MatrixXd WithUnitColumns(Eigen::MatrixXd design);
// decomposition.h.
std::vector<double> VarianceInflation(const std::vector<PatternMatrix>& basis);

}  // namespace headscope::server
