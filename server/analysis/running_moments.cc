#include "server/analysis/running_moments.h"

#include <algorithm>
#include <cmath>

namespace headscope::server {

void RunningMoments::Add(const std::vector<double>& values) {
  ++count_;
  const auto count = static_cast<double>(count_);
  for (std::size_t i = 0; i < mean_.size(); ++i) {
    const double distance = values[i] - mean_[i];
    mean_[i] += distance / count;
    squares_[i] += distance * (values[i] - mean_[i]);
  }
}

void RunningMoments::Scale(double factor) {
  for (double& mean : mean_) mean *= factor;
  for (double& square : squares_) square *= factor * factor;
}

void RunningMoments::Merge(const RunningMoments& other) {
  if (other.count_ == 0) return;
  const auto here = static_cast<double>(count_);
  const auto there = static_cast<double>(other.count_);
  const double both = here + there;
  for (std::size_t i = 0; i < mean_.size(); ++i) {
    const double distance = other.mean_[i] - mean_[i];
    mean_[i] += distance * there / both;
    squares_[i] += other.squares_[i] + distance * distance * here * there / both;
  }
  count_ += other.count_;
}

void RunningMoments::Clear() {
  count_ = 0;
  std::fill(mean_.begin(), mean_.end(), 0.0);
  std::fill(squares_.begin(), squares_.end(), 0.0);
}

std::vector<double> RunningMoments::StandardError() const {
  const auto count = static_cast<double>(count_);
  std::vector<double> errors(squares_.size());
  for (std::size_t i = 0; i < errors.size(); ++i) errors[i] = std::sqrt(squares_[i] / (count - 1) / count);
  return errors;
}

}  // namespace headscope::server
