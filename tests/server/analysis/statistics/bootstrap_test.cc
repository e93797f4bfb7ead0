#include "server/analysis/statistics/bootstrap.h"

#include <cmath>

#include "tests/server/analysis/statistics/expected.h"

namespace headscope::server {
namespace {

std::vector<std::vector<double>> Samples(std::size_t count) {
  std::vector<std::vector<double>> samples;
  for (std::size_t i = 0; i < count; ++i) samples.push_back(RandomPattern(i, 2, 3).values);
  return samples;
}

ResampledPatterns Resample(const std::vector<std::vector<double>>& samples, const Bootstrap& bootstrap) {
  SampleBootstrap resampler(bootstrap, samples.size(), 2, 3);
  for (const auto& sample : samples) resampler.Add(sample);
  return resampler.Finish();
}

TEST(SampleBootstrapTest, EveryResampleDrawsAsManySamplesAsThereAre) {
  // The mean of ones is one only if the draws sum to the number of samples.
  const std::vector<std::vector<double>> ones(150, std::vector<double>(6, 1));
  for (const double value : Resample(ones, {50, 0.95, 1}).values) EXPECT_DOUBLE_EQ(value, 1);
}

TEST(SampleBootstrapTest, SpreadIsThatOfTheMean) {
  const auto samples = Samples(200);
  const ResampledPatterns resampled = Resample(samples, {2000, 0.95, 1});
  for (std::size_t entry = 0; entry < 6; ++entry) {
    double mean = 0;
    double square = 0;
    for (const auto& sample : samples) mean += sample[entry] / 200;
    for (const auto& sample : samples) square += (sample[entry] - mean) * (sample[entry] - mean) / 200;
    double resampled_mean = 0;
    double resampled_square = 0;
    for (std::uint32_t i = 0; i < 2000; ++i) {
      const double distance = resampled.At(i).values[entry] - mean;
      resampled_mean += distance / 2000;
      resampled_square += distance * distance / 2000;
    }
    const double standard_error = std::sqrt(square / 200);
    EXPECT_NEAR(resampled_mean, 0, 0.1 * standard_error);
    EXPECT_NEAR(std::sqrt(resampled_square), standard_error, 0.06 * standard_error);
  }
}

TEST(SampleBootstrapTest, OneSampleIsAlwaysItself) {
  const auto samples = Samples(1);
  const ResampledPatterns resampled = Resample(samples, {10, 0.95, 1});
  for (std::uint32_t i = 0; i < 10; ++i) EXPECT_EQ(resampled.At(i).values, samples[0]);
}

TEST(SampleBootstrapTest, SeedsDecide) {
  const auto samples = Samples(30);
  EXPECT_EQ(Resample(samples, {10, 0.95, 1}).values, Resample(samples, {10, 0.95, 1}).values);
  EXPECT_NE(Resample(samples, {10, 0.95, 1}).values, Resample(samples, {10, 0.95, 2}).values);
}

}  // namespace
}  // namespace headscope::server
