// Least squares on a small basis. Internal to this folder: the only header here with Eigen's types.
#pragma once

#include <Eigen/Core>

#include "server/analysis/statistics/decomposition.h"

namespace headscope::server {

// target ~ basis * coefficients, [entries, basis], by its products alone: gram = B'B, projection = B'y, squares = y'y.
struct NormalEquations {
  Eigen::MatrixXd gram;
  Eigen::VectorXd projection;
  double squares = 0;

  // y'y - 2 a'b + a'Ga, never below 0.
  double ResidualSquares(const Eigen::VectorXd& coefficients) const;
};

// The minimum without constraints. The Gram matrix is regular.
Eigen::VectorXd SolveOrdinary(const NormalEquations& equations);
// The minimum with coefficients >= 0: Lawson and Hanson's active set method on the Gram matrix.
Eigen::VectorXd SolveNonNegative(const NormalEquations& equations);
Eigen::VectorXd Solve(const NormalEquations& equations, FitKind kind);

}  // namespace headscope::server
