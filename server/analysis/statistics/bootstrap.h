// Patterns of resampled samples, in one pass over the samples and memory that does not grow with them.
#pragma once

#include <cstdint>
#include <vector>

#include "server/analysis/statistics/pattern_matrix.h"
#include "server/analysis/statistics/random_stream.h"
#include "server/analysis/statistics/resampling.h"

namespace headscope::server {

// Means over `resamples` draws of as many samples as there were, with replacement.
struct ResampledPatterns {
  std::uint32_t resamples = 0;
  std::uint32_t layers = 0;
  std::uint32_t heads = 0;
  // [resamples, layers, heads].
  std::vector<double> values;

  std::size_t entries() const { return std::size_t{layers} * heads; }
  PatternMatrix At(std::uint32_t resample) const {
    const auto begin = values.begin() + std::ptrdiff_t(resample * entries());
    return {layers, heads, std::vector<double>(begin, begin + std::ptrdiff_t(entries()))};
  }
};

// How often a sample is drawn follows the multinomial distribution exactly, drawn sample by sample: it is binomial
// given what is left. How the samples are cut into pieces changes no bit. Thread-compatible.
class SampleBootstrap {
 public:
  // `samples`: how many will be added; at least 1.
  SampleBootstrap(const Bootstrap& bootstrap, std::uint64_t samples, std::uint32_t layers, std::uint32_t heads);

  // The next sample's scores, [layers, heads].
  void Add(const std::vector<double>& scores);
  // After the last sample.
  ResampledPatterns Finish();

 private:
  // Adds the gathered samples to every resample, times their draws.
  void Flush();

  ResampledPatterns sums_;
  const std::uint64_t samples_;
  std::uint64_t added_ = 0;
  // Draws left to each resample.
  std::vector<std::uint64_t> left_;
  RandomStream random_;
  // Samples gathered for one product: [gathered, entries], and how often each resample drew them, [gathered,
  // resamples].
  std::vector<double> rows_;
  std::vector<double> draws_;
};

}  // namespace headscope::server
