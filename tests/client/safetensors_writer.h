// Writes the result file of AttributionService.ReadResult for tests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace headscope::tests {

// One tensor to write.
struct NamedTensor {
  std::string name;
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::string bytes;
};

template <typename T>
std::string BytesOf(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

std::string WriteSafetensors(const std::vector<NamedTensor>& tensors);

// Two samples "a" and "b" of a model of 1 layer and 2 heads. prompt_signed + response_signed is {1.5, -2} for "a" and
// {0.5, 0.25} for "b".
std::vector<NamedTensor> TwoSamples();
// The tensors of their recorded tokens: ids 10 to 14 and 20 to 26, strings "t10", ... but "" for 21.
std::vector<NamedTensor> TokensOfTwoSamples();

}  // namespace headscope::tests
