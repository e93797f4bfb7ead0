// Mean and spread of vectors, in one pass.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace headscope::server {

// Welford's recurrence per element, in float64; two runs are joined by Chan's rule. Thread-compatible.
class RunningMoments {
 public:
  explicit RunningMoments(std::size_t elements) : mean_(elements), squares_(elements) {}

  // `values` has as many elements as this.
  void Add(const std::vector<double>& values);
  // As if every added value had been multiplied by `factor`.
  void Scale(double factor);
  // As if everything that `other` was given had been added here.
  void Merge(const RunningMoments& other);
  void Clear();

  std::uint64_t count() const { return count_; }
  const std::vector<double>& mean() const { return mean_; }
  // Standard deviation (ddof 1) over the square root of the count, per element. Needs a count of at least 2.
  std::vector<double> StandardError() const;

 private:
  std::uint64_t count_ = 0;
  std::vector<double> mean_;
  // Sums of squared distances from the mean.
  std::vector<double> squares_;
};

}  // namespace headscope::server
