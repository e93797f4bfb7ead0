#include "server/analysis/statistics/dispersion.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "server/analysis/statistics/pattern_matrix.h"
#include "server/analysis/statistics/vector_math.h"

namespace headscope::server {
namespace {

double Sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

double Mean(const std::vector<double>& values) { return Sum(values) / static_cast<double>(values.size()); }

// Shares of a whole can be formed: nothing is negative, something is positive.
bool HasShares(const std::vector<double>& values) {
  return std::none_of(values.begin(), values.end(), [](double value) { return value < 0; }) &&
         std::any_of(values.begin(), values.end(), [](double value) { return value > 0; });
}

}  // namespace

std::optional<double> Gini(std::vector<double> values) {
  if (!HasShares(values)) return std::nullopt;
  std::sort(values.begin(), values.end());
  const auto n = static_cast<double>(values.size());
  double weighted = 0;
  for (std::size_t i = 0; i < values.size(); ++i) weighted += static_cast<double>(i + 1) * values[i];
  // Equal values give 0 only up to rounding.
  return std::max(0.0, 2 * weighted / (n * Sum(values)) - (n + 1) / n);
}

std::optional<double> CoefficientOfVariation(const std::vector<double>& values, std::uint32_t ddof) {
  const double mean = Mean(values);
  if (mean == 0 || values.size() <= ddof) return std::nullopt;
  if (IsConstant(values)) return 0;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - ddof)) / mean;
}

std::optional<double> PearsonKurtosis(const std::vector<double>& values) {
  if (IsConstant(values)) return std::nullopt;
  const double mean = Mean(values);
  double second = 0;
  double fourth = 0;
  for (const double value : values) {
    const double square = (value - mean) * (value - mean);
    second += square;
    fourth += square * square;
  }
  const auto n = static_cast<double>(values.size());
  second /= n;
  // Values that differ by less than their mean is rounded by have no shape either.
  const double rounding = std::numeric_limits<double>::epsilon() * mean;
  if (second <= rounding * rounding) return std::nullopt;
  return fourth / n / (second * second);
}

std::optional<double> Entropy(const std::vector<double>& values) {
  if (!HasShares(values)) return std::nullopt;
  const double sum = Sum(values);
  double entropy = 0;
  for (const double value : values) {
    const double share = value / sum;
    if (share > 0) entropy -= share * std::log(share);
  }
  return std::max(0.0, entropy);
}

Dispersion DispersionOf(std::vector<double> values, std::uint32_t ddof, bool magnitudes) {
  if (magnitudes) {
    for (double& value : values) value = std::fabs(value);
  }
  BringNearOne(values);
  Dispersion dispersion;
  dispersion.cv = CoefficientOfVariation(values, ddof);
  dispersion.kurtosis_pearson = PearsonKurtosis(values);
  if (dispersion.kurtosis_pearson) dispersion.kurtosis_fisher = *dispersion.kurtosis_pearson - 3;
  dispersion.entropy = Entropy(values);
  if (dispersion.entropy) dispersion.effective_heads = std::exp(*dispersion.entropy);
  dispersion.gini = Gini(std::move(values));
  return dispersion;
}

}  // namespace headscope::server
