#include "client/headscope/scores.h"

#include <algorithm>
#include <array>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/headscope/recorded_tokens.h"
#include "client/headscope/safetensors.h"
#include "nlohmann/json.hpp"

namespace headscope::client {
namespace {

using Json = nlohmann::json;

absl::StatusOr<std::vector<std::string>> ReadIds(const TensorViews& tensors) {
  const auto found = tensors.find("ids");
  if (found == tensors.end()) return BrokenFile("tensor ids is missing");
  const Json ids = Json::parse(found->second.bytes, nullptr, /*allow_exceptions=*/false);
  if (!ids.is_array()) return BrokenFile("tensor ids is not a JSON array");
  std::vector<std::string> values;
  for (const Json& id : ids) {
    if (!id.is_string()) return BrokenFile("tensor ids holds something other than strings");
    values.push_back(id.get<std::string>());
  }
  return values;
}

bool IsPlane(const std::string& name) {
  static constexpr std::array kOthers = {"ids", "index", "tokens", "response_tokens", "objective"};
  return std::find(kOthers.begin(), kOthers.end(), name) == kOthers.end() && !IsOfRecordedTokens(name);
}

absl::Status ReadPlanes(const TensorViews& tensors, Scores& scores) {
  for (const auto& [name, view] : tensors) {
    if (!IsPlane(name)) continue;
    if (view.shape.size() != 3 || view.shape[0] != scores.ids.size()) {
      return BrokenFile(absl::StrCat("plane ", name, " is not [", scores.ids.size(), " samples, layers, heads]"));
    }
    if (!scores.planes.empty() && (scores.layers != view.shape[1] || scores.heads != view.shape[2])) {
      return BrokenFile(absl::StrCat("plane ", name, " has another shape than the planes before it"));
    }
    scores.layers = view.shape[1];
    scores.heads = view.shape[2];
    auto values = Values<float>(tensors, name, "F32");
    if (!values.ok()) return values.status();
    scores.planes.emplace(name, *std::move(values));
  }
  return absl::OkStatus();
}

// Moves a checked column of N values into its place.
template <typename T>
absl::Status Take(absl::StatusOr<std::vector<T>> values, std::size_t count, const std::string& name,
                  std::vector<T>& place) {
  if (!values.ok()) return values.status();
  if (values->size() != count) {
    return BrokenFile(absl::StrCat("tensor ", name, " has ", values->size(), " values for ", count, " samples"));
  }
  place = *std::move(values);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<double>> Scores::Signed(std::size_t sample) const {
  const auto prompt = planes.find("prompt_signed");
  const auto response = planes.find("response_signed");
  if (prompt == planes.end() || response == planes.end()) {
    return absl::FailedPreconditionError("the method of this job has no signed planes");
  }
  if (sample >= ids.size()) {
    return absl::OutOfRangeError(absl::StrCat("sample ", sample, " of ", ids.size(), " was asked for"));
  }
  const std::size_t cells = layers * heads;
  std::vector<double> sums(cells);
  for (std::size_t cell = 0; cell < cells; ++cell) {
    sums[cell] = double{prompt->second[sample * cells + cell]} + double{response->second[sample * cells + cell]};
  }
  return sums;
}

absl::StatusOr<Scores> ParseScores(std::string_view safetensors) {
  const auto tensors = ReadTensors(safetensors);
  if (!tensors.ok()) return tensors.status();
  auto ids = ReadIds(*tensors);
  if (!ids.ok()) return ids.status();
  Scores scores;
  scores.ids = *std::move(ids);
  const std::size_t count = scores.ids.size();
  absl::Status status = Take(Values<std::uint32_t>(*tensors, "index", "U32"), count, "index", scores.index);
  status.Update(Take(Values<std::uint32_t>(*tensors, "tokens", "U32"), count, "tokens", scores.tokens));
  status.Update(Take(Values<std::uint32_t>(*tensors, "response_tokens", "U32"), count, "response_tokens",
                     scores.response_tokens));
  status.Update(Take(Values<double>(*tensors, "objective", "F64"), count, "objective", scores.objective));
  status.Update(ReadPlanes(*tensors, scores));
  if (!status.ok()) return status;
  if (!HasRecordedTokens(*tensors)) return scores;
  auto recorded = ReadRecordedTokens(*tensors, scores.tokens, scores.response_tokens);
  if (!recorded.ok()) return recorded.status();
  scores.recorded = *std::move(recorded);
  return scores;
}

}  // namespace headscope::client
