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

std::vector<NamedTensor> TokensOfTwoSamples() {
  using Offsets = std::vector<std::int64_t>;
  const std::vector<std::int32_t> ids = {10, 11, 12, 13, 14, 20, 21, 22, 23, 24, 25, 26};
  Offsets string_offsets = {0};
  std::string strings;
  for (const std::int32_t id : ids) {
    if (id != 21) strings.append("t").append(std::to_string(id));
    string_offsets.push_back(static_cast<std::int64_t>(strings.size()));
  }
  return {{"token_offsets", "I64", {3}, BytesOf(Offsets{0, 5, 12})},
          {"token_ids", "I32", {12}, BytesOf(ids)},
          {"response_mask", "U8", {12}, std::string("\0\0\1\1\1\0\0\0\1\1\1\1", 12)},
          {"token_string_offsets", "I64", {13}, BytesOf(string_offsets)},
          {"token_strings", "U8", {strings.size()}, strings}};
}

}  // namespace headscope::tests
