// Input: 8 bytes, how much data follows the header, then the header's text.
#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "tests/fuzz/fuzz_input.h"
#include "worker/model/safetensors_header.h"

namespace headscope::worker {
namespace {

using fuzz::Require;

// Said anew here, without the product's tables: the ranges lie end to end and cover the data.
void RequireCoverage(const SafetensorsHeader& header, std::int64_t data_bytes) {
  std::vector<std::pair<std::int64_t, std::int64_t>> ranges;
  for (const auto& [name, tensor] : header) {
    Require(!name.empty() && name.size() <= 512 && name != "__metadata__", "a tensor's name");
    Require(tensor.shape.size() <= 8, "a tensor's rank");
    ranges.emplace_back(tensor.begin, tensor.end);
  }
  std::sort(ranges.begin(), ranges.end());
  std::int64_t end = 0;
  for (const auto& range : ranges) {
    Require(range.first == end && range.second >= end, "ranges end to end");
    end = range.second;
  }
  Require(end == data_bytes, "ranges cover the data");
}

// No overflow whatever a shape says.
__extension__ typedef __int128 Wide;

void RequireSizes(const SafetensorsHeader& header) {
  for (const auto& [name, tensor] : header) {
    Wide elements = 1;
    for (const std::int64_t dimension : tensor.shape) {
      Require(dimension >= 0, "a dimension's sign");
      elements = std::min<Wide>(elements * dimension, Wide{1} << 64);
    }
    const std::int64_t bytes = tensor.end - tensor.begin;
    Require(elements == 0 ? bytes == 0 : bytes % static_cast<std::int64_t>(elements) == 0, "bytes by shape");
    if (elements == 0) continue;
    const std::int64_t width = bytes / static_cast<std::int64_t>(elements);
    Require(width == 1 || width == 2 || width == 4 || width == 8, "bytes of an element");
  }
}

}  // namespace
}  // namespace headscope::worker

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headscope;
  std::int64_t data_bytes = 0;
  if (size < sizeof(data_bytes)) return 0;
  std::memcpy(&data_bytes, data, sizeof(data_bytes));
  data_bytes &= INT64_MAX;
  const auto text = fuzz::TextOf(data + sizeof(data_bytes), size - sizeof(data_bytes));
  const auto header = worker::ParseSafetensorsHeader(text, data_bytes, "model.safetensors");
  fuzz::RequireRefusal(header.status());
  if (!header.ok()) return 0;
  worker::RequireCoverage(*header, data_bytes);
  worker::RequireSizes(*header);
  return 0;
}
