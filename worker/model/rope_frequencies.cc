#include "worker/model/rope_frequencies.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace headscope::worker {
namespace {

// theta^(2i / dimensions).
float Power(double theta, std::int64_t i, std::int64_t dimensions) {
  const float exponent = static_cast<float>(2 * i) / static_cast<float>(dimensions);
  return static_cast<float>(std::pow(static_cast<double>(static_cast<float>(theta)), static_cast<double>(exponent)));
}

// The pair of columns, as a fraction, that turns `rotations` times within the original positions.
double PairOf(double rotations, const YarnScaling& scaling, double dimensions) {
  return dimensions * std::log(scaling.original_positions / (rotations * 2 * std::numbers::pi)) /
         (2 * std::log(scaling.theta));
}

}  // namespace

std::vector<float> InverseFrequencies(double theta, std::int64_t dimensions) {
  std::vector<float> inverse(static_cast<std::size_t>(dimensions / 2));
  for (std::int64_t i = 0; i < dimensions / 2; ++i) inverse[i] = 1.0f / Power(theta, i, dimensions);
  return inverse;
}

void ScaleLlama3(const Llama3Scaling& scaling, std::vector<float>& inverse) {
  const double long_wave = scaling.original_positions / scaling.low_freq_factor;
  const double short_wave = scaling.original_positions / scaling.high_freq_factor;
  const float factor = static_cast<float>(scaling.factor);
  for (float& frequency : inverse) {
    const float wavelength = static_cast<float>(2 * std::numbers::pi) / frequency;
    if (wavelength < static_cast<float>(short_wave)) continue;
    if (wavelength > static_cast<float>(long_wave)) {
      frequency /= factor;
      continue;
    }
    const float smooth =
        (static_cast<float>(scaling.original_positions) / wavelength - static_cast<float>(scaling.low_freq_factor)) /
        static_cast<float>(scaling.high_freq_factor - scaling.low_freq_factor);
    frequency = (1.0f - smooth) * frequency / factor + smooth * frequency;
  }
}

void ScaleYarn(const YarnScaling& scaling, std::vector<float>& inverse) {
  const auto dimensions = static_cast<double>(2 * inverse.size());
  double low = PairOf(scaling.beta_fast, scaling, dimensions), high = PairOf(scaling.beta_slow, scaling, dimensions);
  if (scaling.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, dimensions - 1);
  if (low == high) high += 0.001;  // a ramp of no width would divide by zero
  for (std::size_t i = 0; i < inverse.size(); ++i) {
    const float slope = (static_cast<float>(i) - static_cast<float>(low)) / static_cast<float>(high - low);
    const float kept = 1.0f - std::clamp(slope, 0.0f, 1.0f);
    const float slowed = 1.0f / (static_cast<float>(scaling.factor) * (1.0f / inverse[i]));
    inverse[i] = slowed * (1.0f - kept) + inverse[i] * kept;
  }
}

double YarnMagnitude(double factor, double weight) { return factor <= 1 ? 1.0 : 0.1 * weight * std::log(factor) + 1.0; }

std::vector<float> LongFrequencies(double theta, const std::vector<double>& factors) {
  const auto pairs = static_cast<std::int64_t>(factors.size());
  std::vector<float> inverse(factors.size());
  for (std::int64_t i = 0; i < pairs; ++i) {
    inverse[i] = 1.0f / (static_cast<float>(factors[i]) * Power(theta, i, 2 * pairs));
  }
  return inverse;
}

std::vector<float> FrequenciesOfLength(const RopeSpec& rope, std::int64_t length) {
  if (!rope.beyond.has_value() || length <= rope.beyond->original_positions) return rope.inverse_frequency;
  const LongRope& beyond = *rope.beyond;
  if (!beyond.inverse_frequency.empty()) return beyond.inverse_frequency;
  const auto dimensions = static_cast<double>(rope.dimensions);
  const double stretch = static_cast<double>(length) / static_cast<double>(beyond.original_positions);
  const double growth = beyond.factor * stretch - (beyond.factor - 1);
  return InverseFrequencies(beyond.theta * std::pow(growth, dimensions / (dimensions - 2)), rope.dimensions);
}

}  // namespace headscope::worker
