#include "client/headscope/recorded_tokens.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "proto/support/utf8.h"

namespace headscope::client {
namespace {

constexpr char kOffsets[] = "token_offsets";
constexpr char kIds[] = "token_ids";
constexpr char kMask[] = "response_mask";
constexpr char kStringOffsets[] = "token_string_offsets";
constexpr char kStrings[] = "token_strings";
constexpr std::array kNames = {kOffsets, kIds, kMask, kStringOffsets, kStrings};

// Offsets of `count` parts of a whole of `size`: ascending from 0 to it.
absl::StatusOr<std::vector<std::int64_t>> ReadOffsets(const TensorViews& tensors, const std::string& name,
                                                      std::size_t count, std::size_t size) {
  auto offsets = Values<std::int64_t>(tensors, name, "I64");
  if (!offsets.ok()) return offsets.status();
  if (offsets->size() != count + 1 || offsets->front() != 0 || !std::is_sorted(offsets->begin(), offsets->end()) ||
      static_cast<std::uint64_t>(offsets->back()) != size) {
    return BrokenFile(absl::StrCat("tensor ", name, " is not ", count + 1, " offsets from 0 to ", size));
  }
  return offsets;
}

// Every token's string, or nothing where the file has none.
absl::StatusOr<std::vector<std::string>> ReadStrings(const TensorViews& tensors, std::size_t tokens) {
  const auto text = FindTensor(tensors, kStrings, "U8");
  if (!text.ok()) return text.status();
  const auto offsets = ReadOffsets(tensors, kStringOffsets, tokens, text->bytes.size());
  if (!offsets.ok()) return offsets.status();
  std::vector<std::string> strings;
  for (std::size_t token = 0; token < tokens; ++token) {
    const auto begin = static_cast<std::size_t>((*offsets)[token]);
    const auto end = static_cast<std::size_t>((*offsets)[token + 1]);
    strings.emplace_back(text->bytes.substr(begin, end - begin));
    if (!IsUtf8(strings.back())) return BrokenFile(absl::StrCat("string ", token, " of ", kStrings, " is not UTF-8"));
  }
  return strings;
}

// All samples' tokens, laid end to end.
struct Columns {
  std::vector<std::int64_t> offsets;
  std::vector<std::int32_t> ids;
  std::vector<std::uint8_t> mask;
  std::optional<std::vector<std::string>> strings;
};

absl::StatusOr<Columns> ReadColumns(const TensorViews& tensors, std::size_t samples) {
  Columns columns;
  auto ids = Values<std::int32_t>(tensors, kIds, "I32");
  if (!ids.ok()) return ids.status();
  columns.ids = *std::move(ids);
  auto mask = Values<std::uint8_t>(tensors, kMask, "U8");
  if (!mask.ok()) return mask.status();
  columns.mask = *std::move(mask);
  if (columns.mask.size() != columns.ids.size()) {
    return BrokenFile(
        absl::StrCat("tensor ", kMask, " has ", columns.mask.size(), " values for ", columns.ids.size(), " tokens"));
  }
  auto offsets = ReadOffsets(tensors, kOffsets, samples, columns.ids.size());
  if (!offsets.ok()) return offsets.status();
  columns.offsets = *std::move(offsets);
  if (!tensors.contains(kStrings) && !tensors.contains(kStringOffsets)) return columns;
  auto strings = ReadStrings(tensors, columns.ids.size());
  if (!strings.ok()) return strings.status();
  columns.strings = *std::move(strings);
  return columns;
}

SampleTokens Slice(Columns& columns, std::size_t sample) {
  const std::int64_t begin = columns.offsets[sample];
  const std::int64_t end = columns.offsets[sample + 1];
  SampleTokens tokens;
  tokens.ids.assign(columns.ids.begin() + begin, columns.ids.begin() + end);
  for (std::int64_t token = begin; token < end; ++token) {
    tokens.response_mask.push_back(columns.mask[static_cast<std::size_t>(token)] == 1);
  }
  if (columns.strings) {
    tokens.strings.emplace(std::move_iterator(columns.strings->begin() + begin),
                           std::move_iterator(columns.strings->begin() + end));
  }
  return tokens;
}

}  // namespace

bool IsOfRecordedTokens(const std::string& name) {
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

bool HasRecordedTokens(const TensorViews& tensors) {
  return std::any_of(tensors.begin(), tensors.end(),
                     [](const auto& tensor) { return IsOfRecordedTokens(tensor.first); });
}

absl::StatusOr<std::vector<SampleTokens>> ReadRecordedTokens(const TensorViews& tensors,
                                                             const std::vector<std::uint32_t>& tokens,
                                                             const std::vector<std::uint32_t>& response_tokens) {
  auto columns = ReadColumns(tensors, tokens.size());
  if (!columns.ok()) return columns.status();
  const auto is_id = [](std::int32_t id) { return id >= 0; };
  if (!std::all_of(columns->ids.begin(), columns->ids.end(), is_id)) {
    return BrokenFile(absl::StrCat("tensor ", kIds, " has a negative id"));
  }
  const auto is_mark = [](std::uint8_t mark) { return mark <= 1; };
  if (!std::all_of(columns->mask.begin(), columns->mask.end(), is_mark)) {
    return BrokenFile(absl::StrCat("tensor ", kMask, " has a value other than 0 and 1"));
  }
  std::vector<SampleTokens> samples;
  for (std::size_t sample = 0; sample < tokens.size(); ++sample) {
    SampleTokens& last = samples.emplace_back(Slice(*columns, sample));
    const auto supervised = std::count(last.response_mask.begin(), last.response_mask.end(), true);
    if (last.ids.size() != tokens[sample] || supervised != std::int64_t{response_tokens[sample]}) {
      return BrokenFile(absl::StrCat("sample ", sample, " has ", last.ids.size(), " recorded tokens, ", supervised,
                                     " supervised; its counts say ", tokens[sample], " and ", response_tokens[sample]));
    }
  }
  return samples;
}

}  // namespace headscope::client
