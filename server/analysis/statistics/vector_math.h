// Sums over a pattern's entries. What they give depends on the values alone, not on where these lie in memory.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <vector>

namespace headscope::server {

using VectorView = Eigen::Map<const Eigen::VectorXd>;

inline VectorView View(const double* values, std::size_t size) { return {values, static_cast<Eigen::Index>(size)}; }
inline VectorView View(const std::vector<double>& values) { return View(values.data(), values.size()); }

inline double Mean(const double* values, std::size_t size) {
  double sum = 0;
  for (std::size_t i = 0; i < size; ++i) sum += values[i];
  return sum / static_cast<double>(size);
}

// Multiplies by a power of two, which changes no digit, where squares and fourth powers would overflow or vanish.
inline void BringNearOne(std::vector<double>& values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::fabs(value));
  constexpr int kHarmless = 200;
  if (largest == 0 || std::abs(std::ilogb(largest)) < kHarmless) return;
  const int shift = -std::ilogb(largest);
  for (double& value : values) value = std::ldexp(value, shift);
}

// Subtracts the mean. Equal values become exactly 0.
inline void Centre(std::vector<double>& values) {
  const double mean = Mean(values.data(), values.size());
  bool equal = true;
  for (const double value : values) equal = equal && value == values.front();
  for (double& value : values) value = equal ? 0 : value - mean;
}

// Divides by the Euclidean norm; false, and nothing changed, where that is 0.
inline bool Normalise(std::vector<double>& values) {
  const double norm = std::sqrt(View(values).dot(View(values)));
  if (norm == 0) return false;
  for (double& value : values) value /= norm;
  return true;
}

}  // namespace headscope::server
