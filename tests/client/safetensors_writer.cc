#include "tests/client/safetensors_writer.h"

#include <cstring>

#include "nlohmann/json.hpp"

namespace headscope::tests {

std::string WriteSafetensors(const std::vector<NamedTensor>& tensors) {
  nlohmann::json header = nlohmann::json::object();
  std::string data;
  for (const NamedTensor& tensor : tensors) {
    header[tensor.name] = {{"dtype", tensor.dtype},
                           {"shape", tensor.shape},
                           {"data_offsets", {data.size(), data.size() + tensor.bytes.size()}}};
    data += tensor.bytes;
  }
  const std::string text = header.dump();
  const std::uint64_t size = text.size();
  std::string file(sizeof size, '\0');
  std::memcpy(file.data(), &size, sizeof size);
  return file + text + data;
}

std::vector<NamedTensor> TwoSamples() {
  using Counts = std::vector<std::uint32_t>;
  using Floats = std::vector<float>;
  const std::string ids = R"(["a","b"])";
  return {{"ids", "U8", {ids.size()}, ids},
          {"index", "U32", {2}, BytesOf(Counts{0, 2})},
          {"tokens", "U32", {2}, BytesOf(Counts{5, 7})},
          {"response_tokens", "U32", {2}, BytesOf(Counts{3, 4})},
          {"objective", "F64", {2}, BytesOf(std::vector<double>{1.25, 2.5})},
          {"prompt_signed", "F32", {2, 1, 2}, BytesOf(Floats{1, -3, 0.25, 0})},
          {"response_signed", "F32", {2, 1, 2}, BytesOf(Floats{0.5, 1, 0.25, 0.25})}};
}

}  // namespace headscope::tests
