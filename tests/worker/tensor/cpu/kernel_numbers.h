// Random arrays and comparisons for the kernels' tests.
#pragma once

#include <cstdint>
#include <vector>

namespace headscope::worker {

// Normally distributed, the same for the same seed.
std::vector<float> RandomFloats(std::int64_t size, std::uint32_t seed, float deviation = 1.0f);

// Every element within `tolerance` times the largest magnitude of `expected`, or times `floor` where that is larger;
// counts NaN as a difference.
void ExpectNear(const std::vector<float>& actual, const std::vector<double>& expected, double tolerance,
                const char* what, double floor = 0.0);

// Every element within `tolerance` of itself.
void ExpectRelative(const std::vector<float>& actual, const std::vector<double>& expected, double tolerance,
                    const char* what);

bool AllFinite(const std::vector<float>& values);

}  // namespace headscope::worker
