// The inverse frequencies of every kind of rope. Each step is rounded to float32 where the reference implementation's
// is, so that angles at thousands of positions agree.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/model/decoder_spec.h"

namespace headscope::worker {

// theta^(-2i / dimensions), [dimensions / 2].
std::vector<float> InverseFrequencies(double theta, std::int64_t dimensions);

struct Llama3Scaling {
  double factor = 1;
  double low_freq_factor = 1;
  double high_freq_factor = 4;
  double original_positions = 8192;
};
// Long wavelengths are slowed down by `factor`, short ones kept, those between interpolated.
void ScaleLlama3(const Llama3Scaling& scaling, std::vector<float>& inverse);

// Pairs of columns that turn more than beta_fast times within the original positions keep their frequency, those that
// turn less than beta_slow times are slowed down by `factor`, those between on a ramp (arXiv 2309.00071).
struct YarnScaling {
  double theta = 10000;
  double factor = 1;
  double original_positions = 0;
  double beta_fast = 32;
  double beta_slow = 1;
  // The ramp's ends are rounded outwards to whole pairs.
  bool truncate = true;
};
void ScaleYarn(const YarnScaling& scaling, std::vector<float>& inverse);

// Yarn's factor on cosine and sine for positions stretched by `factor`.
double YarnMagnitude(double factor, double weight = 1.0);

// 1 / (factors[i] * theta^(2i / dimensions)) (arXiv 2402.13753).
std::vector<float> LongFrequencies(double theta, const std::vector<double>& factors);

// The frequencies of a sample of `length` tokens.
std::vector<float> FrequenciesOfLength(const RopeSpec& rope, std::int64_t length);

}  // namespace headscope::worker
