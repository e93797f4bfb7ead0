// How unevenly a pattern's values are spread over the heads.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace headscope::server {

// Each over all n entries x_1..x_n; nullopt where it is not defined. None is empty. Scale: multiplying x by c > 0
// changes none of them.

// 2 sum_i i x_(i) / (n sum x) - (n + 1) / n, x_(1) <= ... <= x_(n): half the mean absolute difference over the mean.
// 0 for equal values, (n - 1) / n when one head has everything. Not defined with a negative value or a sum of 0.
std::optional<double> Gini(std::vector<double> values);

// Standard deviation over mean. `ddof` is taken from n in the variance: 0 (the population's) or 1. Not defined for a
// mean of 0, or n <= ddof.
std::optional<double> CoefficientOfVariation(const std::vector<double>& values, std::uint32_t ddof);

// m4 / m2^2 with the biased central moments m_k = sum (x - mean)^k / n: Pearson's, 3 for a normal distribution.
// Fisher's is this minus 3. Not defined when all values are equal (up to rounding).
std::optional<double> PearsonKurtosis(const std::vector<double>& values);

// -sum p log p in nats, p = x / sum x, 0 log 0 = 0: log n for equal values, 0 when one head has everything. Not defined
// with a negative value or a sum of 0.
std::optional<double> Entropy(const std::vector<double>& values);

struct Dispersion {
  std::optional<double> gini;
  std::optional<double> cv;
  std::optional<double> kurtosis_fisher;
  std::optional<double> kurtosis_pearson;
  // Nats.
  std::optional<double> entropy;
  // exp(entropy): how many equal heads would be as spread.
  std::optional<double> effective_heads;
};

// `magnitudes`: of |x| instead of x, for signed patterns.
Dispersion DispersionOf(std::vector<double> values, std::uint32_t ddof, bool magnitudes);

}  // namespace headscope::server
