#include "server/store/sqlite/blob_codec.h"

#include <bit>
#include <cstring>
#include <numeric>
#include <type_traits>

#include "absl/status/status.h"

namespace headscope::server::sqlite {
namespace {

static_assert(std::endian::native == std::endian::little, "stored arrays are little-endian");
static_assert(sizeof(PreparedSample) == 3 * sizeof(std::uint32_t) && std::is_trivially_copyable_v<PreparedSample>,
              "a prepared sample is stored as its three numbers");

constexpr char kRange = 'R';
constexpr char kList = 'L';
// Another layout of prepared samples gets the next number; 1 is that of 0.1.0, which had no version byte.
constexpr char kPreparedVersion = 2;

bool AreNeighbours(const std::vector<std::uint32_t>& positions) {
  for (std::size_t i = 1; i < positions.size(); ++i) {
    if (positions[i] != positions[i - 1] + 1) return false;
  }
  return !positions.empty();
}

std::string Tagged(char tag, const std::uint32_t* numbers, std::size_t count) {
  std::string bytes(1, tag);
  return bytes.append(reinterpret_cast<const char*>(numbers), count * sizeof(std::uint32_t));
}

}  // namespace

std::string EncodePositions(const std::vector<std::uint32_t>& positions) {
  if (!AreNeighbours(positions)) return Tagged(kList, positions.data(), positions.size());
  const std::uint32_t range[] = {positions.front(), static_cast<std::uint32_t>(positions.size())};
  return Tagged(kRange, range, 2);
}

absl::StatusOr<std::vector<std::uint32_t>> DecodePositions(std::string_view bytes) {
  const absl::Status damaged = absl::DataLossError("a stored list of samples is damaged");
  if (bytes.empty() || (bytes.size() - 1) % sizeof(std::uint32_t) != 0) return damaged;
  std::vector<std::uint32_t> numbers((bytes.size() - 1) / sizeof(std::uint32_t));
  if (!numbers.empty()) std::memcpy(numbers.data(), bytes.data() + 1, bytes.size() - 1);
  if (bytes.front() == kList) return numbers;
  if (bytes.front() != kRange || numbers.size() != 2) return damaged;
  std::vector<std::uint32_t> positions(numbers[1]);
  std::iota(positions.begin(), positions.end(), numbers[0]);
  return positions;
}

std::string EncodePrepared(const std::vector<PreparedSample>& samples) {
  std::string bytes(1, kPreparedVersion);
  return bytes.append(reinterpret_cast<const char*>(samples.data()), samples.size() * sizeof(PreparedSample));
}

absl::Status DecodePrepared(std::string_view bytes, std::vector<PreparedSample>& samples) {
  const std::size_t rest = bytes.size() % sizeof(PreparedSample);
  if (rest > 1 || (rest == 1 && bytes.front() != kPreparedVersion)) {
    return absl::DataLossError("stored token counts are damaged");
  }
  bytes.remove_prefix(rest);
  const std::size_t before = samples.size();
  samples.resize(before + bytes.size() / sizeof(PreparedSample));
  if (!bytes.empty()) std::memcpy(samples.data() + before, bytes.data(), bytes.size());
  return absl::OkStatus();
}

}  // namespace headscope::server::sqlite
