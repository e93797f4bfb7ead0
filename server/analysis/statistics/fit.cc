#include "server/analysis/statistics/fit.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <limits>
#include <vector>

namespace headscope::server {
namespace {

using Members = std::vector<Eigen::Index>;

// The unconstrained minimum over `members`; 0 elsewhere.
Eigen::VectorXd SolveOver(const NormalEquations& equations, const Members& members) {
  Eigen::VectorXd solution = Eigen::VectorXd::Zero(equations.projection.size());
  const Eigen::VectorXd part =
      equations.gram(members, members).eval().ldlt().solve(equations.projection(members).eval());
  solution(members) = part;
  return solution;
}

// Moves from `from` towards `to` as far as nothing becomes negative, and drops what became 0 there.
Eigen::VectorXd StepTo(const Eigen::VectorXd& from, const Eigen::VectorXd& to, Members& members) {
  double step = 1;
  Eigen::Index blocking = -1;
  for (const Eigen::Index member : members) {
    if (to[member] > 0) continue;
    const double limit = from[member] / (from[member] - to[member]);
    if (blocking < 0 || limit < step) {
      step = limit;
      blocking = member;
    }
  }
  Eigen::VectorXd reached = from + step * (to - from);
  std::erase_if(members, [&](Eigen::Index member) { return member == blocking || reached[member] <= 0; });
  for (Eigen::Index i = 0; i < reached.size(); ++i) {
    if (std::find(members.begin(), members.end(), i) == members.end()) reached[i] = 0;
  }
  return reached;
}

}  // namespace

double NormalEquations::ResidualSquares(const Eigen::VectorXd& coefficients) const {
  return std::max(0.0, squares - 2 * coefficients.dot(projection) + coefficients.dot(gram * coefficients));
}

Eigen::VectorXd SolveOrdinary(const NormalEquations& equations) {
  return equations.gram.ldlt().solve(equations.projection);
}

Eigen::VectorXd SolveNonNegative(const NormalEquations& equations) {
  const Eigen::Index size = equations.projection.size();
  Eigen::VectorXd solution = Eigen::VectorXd::Zero(size);
  Members members;
  // Each round adds one member; far more rounds than members mean that rounding makes it go in circles.
  for (Eigen::Index round = 0; round < 3 * size + 10; ++round) {
    const Eigen::VectorXd gradient = equations.projection - equations.gram * solution;
    Eigen::Index best = -1;
    for (Eigen::Index i = 0; i < size; ++i) {
      // Per coefficient: the products have that one's units.
      const double noise = 1e-13 * std::sqrt(equations.gram(i, i) * equations.squares);
      const bool member = std::find(members.begin(), members.end(), i) != members.end();
      if (member || gradient[i] <= noise) continue;
      const auto gain = [&](Eigen::Index at) { return gradient[at] / std::sqrt(equations.gram(at, at)); };
      if (best < 0 || gain(i) > gain(best)) best = i;
    }
    if (best < 0) break;
    members.push_back(best);
    for (;;) {
      const Eigen::VectorXd wanted = SolveOver(equations, members);
      const bool feasible = std::all_of(members.begin(), members.end(), [&](auto i) { return wanted[i] > 0; });
      solution = feasible ? wanted : StepTo(solution, wanted, members);
      if (feasible || members.empty()) break;
    }
  }
  return solution;
}

Eigen::VectorXd Solve(const NormalEquations& equations, FitKind kind) {
  return kind == FitKind::kOrdinary ? SolveOrdinary(equations) : SolveNonNegative(equations);
}

}  // namespace headscope::server
