#include "server/jobs/scores.h"

#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/jobs/stored_bytes.h"

namespace headscope::server {
namespace {

constexpr std::string_view kMagic = "HSS1";
// With recorded tokens behind the planes.
constexpr std::string_view kMagicWithTokens = "HSS2";
constexpr std::size_t kMaxPlanes = 64;
constexpr std::size_t kMaxPlaneNameBytes = 64;

// layers * heads: below 2^64 for any two u32.
std::uint64_t HeadCount(const ScoreBlock& block) { return std::uint64_t{block.layers} * block.heads; }

std::optional<ScoreBlock> Parse(std::string_view bytes) {
  ByteParser parser(bytes);
  const std::string_view magic = parser.Take(kMagic.size());
  if (magic != kMagic && magic != kMagicWithTokens) return std::nullopt;
  ScoreBlock block;
  const std::uint32_t samples = parser.TakeU32();
  block.layers = parser.TakeU32();
  block.heads = parser.TakeU32();
  const std::uint32_t planes = parser.TakeU32();
  block.samples = parser.TakeArray<std::uint32_t>(samples);
  block.tokens = parser.TakeArray<std::uint32_t>(samples);
  block.response_tokens = parser.TakeArray<std::uint32_t>(samples);
  block.objective = parser.TakeArray<double>(samples);
  if (!parser.ok() || planes > kMaxPlanes) return std::nullopt;
  // Neither factor exceeds what the bytes can hold, so the product below does not overflow.
  if (HeadCount(block) > bytes.size()) return std::nullopt;
  for (std::uint32_t plane = 0; plane < planes; ++plane) {
    const std::uint32_t name_bytes = parser.TakeU32();
    if (name_bytes > kMaxPlaneNameBytes) return std::nullopt;
    std::string name(parser.Take(name_bytes));
    std::vector<float> values = parser.TakeArray<float>(samples * HeadCount(block));
    const bool in_order = block.planes.empty() || block.planes.rbegin()->first < name;
    if (!parser.ok() || !in_order) return std::nullopt;
    block.planes.emplace_hint(block.planes.end(), std::move(name), std::move(values));
  }
  if (magic == kMagicWithTokens) block.recorded = TakeRecordedTokens(parser);
  if (!parser.ok() || !parser.at_end()) return std::nullopt;
  if (block.recorded && !CheckRecordedTokens(*block.recorded, block.tokens, block.response_tokens).ok()) {
    return std::nullopt;
  }
  return block;
}

template <typename T>
bool AllFinite(const std::vector<T>& values) {
  for (const T value : values) {
    if (!std::isfinite(value)) return false;
  }
  return true;
}

absl::Status CheckShapes(const ScoreBlock& block) {
  const std::size_t samples = block.samples.size();
  if (block.tokens.size() != samples || block.response_tokens.size() != samples || block.objective.size() != samples) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a block of ", samples, " samples has ", block.tokens.size(), " token counts, ", block.response_tokens.size(),
        " response token counts and ", block.objective.size(), " objectives"));
  }
  if (block.layers == 0 || block.heads == 0 || block.planes.empty() || block.planes.size() > kMaxPlanes) {
    return absl::InvalidArgumentError(absl::StrCat("a block has ", block.layers, " layers, ", block.heads,
                                                   " heads and ", block.planes.size(), " planes"));
  }
  for (const auto& [name, values] : block.planes) {
    if (name.empty() || name.size() > kMaxPlaneNameBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("a plane's name has ", name.size(), " bytes, wanted 1 to ", kMaxPlaneNameBytes));
    }
    // Division, since the product of three counts from outside may not fit.
    if (values.size() % HeadCount(block) != 0 || values.size() / HeadCount(block) != samples) {
      return absl::InvalidArgumentError(absl::StrCat("plane ", name, " has ", values.size(), " values, wanted ",
                                                     samples, " x ", block.layers, " x ", block.heads));
    }
  }
  return absl::OkStatus();
}

bool SameKind(const ScoreBlock& left, const ScoreBlock& right) {
  if (left.layers != right.layers || left.heads != right.heads || left.planes.size() != right.planes.size()) {
    return false;
  }
  for (auto a = left.planes.begin(), b = right.planes.begin(); a != left.planes.end(); ++a, ++b) {
    if (a->first != b->first) return false;
  }
  return true;
}

// Where one sample's scores are.
struct Place {
  const ScoreBlock* block = nullptr;
  std::size_t row = 0;
};

absl::StatusOr<std::vector<Place>> FindSamples(const std::vector<ScoreBlock>& blocks,
                                               const std::vector<std::uint32_t>& samples) {
  std::map<std::uint32_t, Place> places;
  for (const ScoreBlock& block : blocks) {
    for (std::size_t row = 0; row < block.samples.size(); ++row) {
      if (!places.emplace(block.samples[row], Place{&block, row}).second) {
        return absl::InvalidArgumentError(absl::StrCat("sample ", block.samples[row], " is there twice"));
      }
    }
  }
  std::vector<Place> found;
  found.reserve(samples.size());
  for (const std::uint32_t sample : samples) {
    const auto place = places.find(sample);
    if (place == places.end()) return absl::InvalidArgumentError(absl::StrCat("sample ", sample, " is missing"));
    found.push_back(place->second);
  }
  if (places.size() != samples.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("scores of ", places.size(), " samples for a shard of ", samples.size()));
  }
  return found;
}

void AppendRow(const Place& place, ScoreBlock& merged) {
  const ScoreBlock& block = *place.block;
  merged.samples.push_back(block.samples[place.row]);
  merged.tokens.push_back(block.tokens[place.row]);
  merged.response_tokens.push_back(block.response_tokens[place.row]);
  merged.objective.push_back(block.objective[place.row]);
  const std::size_t width = HeadCount(block);
  for (const auto& [name, values] : block.planes) {
    const auto row = values.begin() + static_cast<std::ptrdiff_t>(place.row * width);
    std::vector<float>& plane = merged.planes[name];
    plane.insert(plane.end(), row, row + static_cast<std::ptrdiff_t>(width));
  }
}

}  // namespace

absl::Status CheckScoreBlock(const ScoreBlock& block) {
  if (absl::Status status = CheckShapes(block); !status.ok()) return status;
  if (!AllFinite(block.objective)) return absl::InvalidArgumentError("an objective is not a finite number");
  for (const auto& [name, values] : block.planes) {
    if (!AllFinite(values)) {
      return absl::InvalidArgumentError(absl::StrCat("plane ", name, " has a value that is not a finite number"));
    }
  }
  return absl::OkStatus();
}

std::string EncodeScores(const ScoreBlock& block) {
  std::string bytes(block.recorded ? kMagicWithTokens : kMagic);
  const std::size_t samples = block.samples.size();
  bytes.reserve(64 + samples * 20 + block.planes.size() * (samples * HeadCount(block) * sizeof(float) + 64));
  AppendU32(static_cast<std::uint32_t>(samples), bytes);
  AppendU32(block.layers, bytes);
  AppendU32(block.heads, bytes);
  AppendU32(static_cast<std::uint32_t>(block.planes.size()), bytes);
  AppendArray(block.samples, bytes);
  AppendArray(block.tokens, bytes);
  AppendArray(block.response_tokens, bytes);
  AppendArray(block.objective, bytes);
  for (const auto& [name, values] : block.planes) {
    AppendU32(static_cast<std::uint32_t>(name.size()), bytes);
    bytes.append(name);
    AppendArray(values, bytes);
  }
  if (block.recorded) AppendRecordedTokens(*block.recorded, bytes);
  return bytes;
}

absl::StatusOr<ScoreBlock> DecodeScores(std::string_view bytes) {
  std::optional<ScoreBlock> block = Parse(bytes);
  if (!block) {
    return absl::DataLossError(absl::StrCat("stored scores of ", bytes.size(), " bytes are not a block of scores"));
  }
  return *std::move(block);
}

absl::StatusOr<ScoreBlock> MergeScores(std::vector<ScoreBlock> blocks, const std::vector<std::uint32_t>& samples) {
  if (blocks.empty()) return absl::InvalidArgumentError("no block of scores");
  for (const ScoreBlock& block : blocks) {
    if (absl::Status status = CheckShapes(block); !status.ok()) return status;
    if (!SameKind(block, blocks.front())) {
      return absl::InvalidArgumentError(absl::StrCat("blocks differ in planes or shape: ", blocks.front().layers, " x ",
                                                     blocks.front().heads, " and ", block.layers, " x ", block.heads));
    }
  }
  absl::StatusOr<std::vector<Place>> places = FindSamples(blocks, samples);
  if (!places.ok()) return places.status();
  if (blocks.size() == 1 && blocks.front().samples == samples) return std::move(blocks.front());
  ScoreBlock merged;
  merged.layers = blocks.front().layers;
  merged.heads = blocks.front().heads;
  for (const auto& plane : blocks.front().planes) {
    merged.planes[plane.first].reserve(samples.size() * HeadCount(merged));
  }
  for (const Place& place : *places) AppendRow(place, merged);
  return merged;
}

}  // namespace headscope::server
