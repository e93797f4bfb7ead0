#include "server/jobs/pattern_values.h"

#include <bit>
#include <cstring>

#include "absl/status/status.h"

namespace headscope::server {
namespace {

static_assert(std::endian::native == std::endian::little, "patterns are stored little-endian");

constexpr std::string_view kMagic = "HSP1";
constexpr std::size_t kHeadBytes = 16;

std::vector<double> Numbers(std::string_view bytes) {
  std::vector<double> numbers(bytes.size() / sizeof(double));
  if (!numbers.empty()) std::memcpy(numbers.data(), bytes.data(), bytes.size());
  return numbers;
}

void Append(const std::vector<double>& numbers, std::string& bytes) {
  bytes.append(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(double));
}

}  // namespace

std::string EncodePattern(const PatternValues& pattern) {
  std::string bytes(kMagic);
  for (const std::uint32_t number : {pattern.layers, pattern.heads, std::uint32_t{pattern.standard_error ? 1u : 0u}}) {
    bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
  }
  Append(pattern.values, bytes);
  if (pattern.standard_error) Append(*pattern.standard_error, bytes);
  return bytes;
}

absl::StatusOr<PatternValues> DecodePattern(std::string_view bytes) {
  const absl::Status damaged = absl::DataLossError("a stored pattern is damaged");
  if (bytes.size() < kHeadBytes || !bytes.starts_with(kMagic)) return damaged;
  std::uint32_t head[3];
  std::memcpy(head, bytes.data() + kMagic.size(), sizeof head);
  PatternValues pattern{head[0], head[1], {}, std::nullopt};
  const std::uint64_t entries = std::uint64_t{head[0]} * head[1];
  const std::uint64_t arrays = head[2] == 0 ? 1 : 2;
  bytes.remove_prefix(kHeadBytes);
  if (head[2] > 1 || entries > bytes.size() || bytes.size() != arrays * entries * sizeof(double)) return damaged;
  pattern.values = Numbers(bytes.substr(0, entries * sizeof(double)));
  if (arrays == 2) pattern.standard_error = Numbers(bytes.substr(entries * sizeof(double)));
  return pattern;
}

}  // namespace headscope::server
