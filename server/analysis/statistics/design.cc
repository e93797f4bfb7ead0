#include "server/analysis/statistics/design.h"

#include <Eigen/QR>
#include <Eigen/SVD>
#include <limits>

#include "server/analysis/statistics/vector_math.h"

namespace headscope::server {
namespace {

// Columns of length 1 count as dependent when what one adds to the others is shorter than this.
constexpr double kDependent = 1e-10;

// The mean taken away; exactly 0 for equal values.
Eigen::VectorXd Centred(std::vector<double> values) {
  Centre(values);
  return View(values);
}

// 1 - part / whole.
std::optional<double> ShareExplained(double part, double whole) {
  if (whole <= 0) return std::nullopt;
  return 1 - part / whole;
}

}  // namespace

Design::Design(const PatternMatrix& target_pattern, const std::vector<PatternMatrix>& basis, bool with_intercept)
    : intercept(with_intercept),
      columns(static_cast<Eigen::Index>(target_pattern.size()), static_cast<Eigen::Index>(basis.size())),
      means(Eigen::VectorXd::Zero(columns.cols())) {
  for (Eigen::Index i = 0; i < columns.cols(); ++i) {
    const std::vector<double>& values = basis[static_cast<std::size_t>(i)].values;
    if (intercept) means[i] = Mean(values.data(), values.size());
    columns.col(i) = intercept ? Centred(values) : Eigen::VectorXd(View(values));
  }
  const Eigen::VectorXd centred = Centred(target_pattern.values);
  target = intercept ? centred : Eigen::VectorXd(View(target_pattern.values));
  if (intercept) target_mean = Mean(target_pattern.values.data(), target_pattern.size());
  squares = View(target_pattern.values).squaredNorm();
  centred_squares = centred.squaredNorm();
  equations = {columns.transpose() * columns, columns.transpose() * target, target.squaredNorm()};
}

FitQuality Design::Quality(double residual_squares, Eigen::Index members) const {
  FitQuality quality;
  quality.residual_squares = residual_squares;
  quality.r2_centred = ShareExplained(residual_squares, centred_squares);
  quality.r2_uncentred = ShareExplained(residual_squares, squares);
  const auto left = static_cast<double>(columns.rows() - parameters(members));
  const auto of_mean = static_cast<double>(columns.rows() - 1);
  if (left > 0) quality.r2_adjusted = ShareExplained(residual_squares / left, centred_squares / of_mean);
  return quality;
}

NormalEquations Design::EquationsOf(const std::vector<Eigen::Index>& members) const {
  return {equations.gram(members, members), equations.projection(members), equations.squares};
}

Eigen::MatrixXd Design::WholeDesign() const {
  if (!intercept) return columns;
  Eigen::MatrixXd design(columns.rows(), columns.cols() + 1);
  design << columns.rowwise() + means.transpose(), Eigen::VectorXd::Ones(columns.rows());
  return design;
}

bool Design::HasFullRank() const {
  if ((columns.colwise().squaredNorm().array() <= 0).any()) return false;
  Eigen::ColPivHouseholderQR<Eigen::MatrixXd> qr(WithUnitColumns(columns));
  qr.setThreshold(kDependent);
  return qr.rank() == columns.cols();
}

Eigen::VectorXd Design::SolveByQr() const { return columns.colPivHouseholderQr().solve(target); }

double ConditionNumber(const Eigen::MatrixXd& design) {
  const Eigen::VectorXd values = design.bdcSvd().singularValues();
  return values[0] / values[values.size() - 1];
}

Eigen::MatrixXd WithUnitColumns(Eigen::MatrixXd design) {
  design.colwise().normalize();
  return design;
}

std::vector<double> VarianceInflation(const std::vector<PatternMatrix>& basis) {
  std::vector<double> factors;
  for (std::size_t i = 0; i < basis.size(); ++i) {
    std::vector<PatternMatrix> others = basis;
    others.erase(others.begin() + std::ptrdiff_t(i));
    const Design design(basis[i], others, true);
    if (design.centred_squares <= 0) {
      factors.push_back(std::numeric_limits<double>::infinity());
      continue;
    }
    double left = design.centred_squares;
    if (!others.empty()) left = (design.target - design.columns * design.SolveByQr()).squaredNorm();
    factors.push_back(design.centred_squares / left);
  }
  return factors;
}

}  // namespace headscope::server
