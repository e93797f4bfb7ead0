#include "client/headscope/scores.h"

#include <bit>
#include <cstring>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace headscope::client {
namespace {

using Json = nlohmann::json;

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian");

absl::Status Broken(const std::string& why) {
  return absl::DataLossError(absl::StrCat("the result file does not hold together: ", why));
}

struct TensorView {
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::string_view bytes;
};

bool IsCount(const Json& value) { return value.is_number_unsigned(); }

// One header entry checked against the bytes that are there.
absl::StatusOr<TensorView> ReadEntry(const std::string& name, const Json& entry, std::string_view data) {
  const bool formed = entry.is_object() && entry.contains("dtype") && entry["dtype"].is_string() &&
                      entry.contains("shape") && entry["shape"].is_array() && entry.contains("data_offsets") &&
                      entry["data_offsets"].is_array() && entry["data_offsets"].size() == 2 &&
                      IsCount(entry["data_offsets"][0]) && IsCount(entry["data_offsets"][1]);
  if (!formed) return Broken(absl::StrCat("tensor ", name, " has no dtype, shape and data_offsets"));
  TensorView view;
  view.dtype = entry["dtype"].get<std::string>();
  std::uint64_t bytes = view.dtype == "F64" ? 8 : view.dtype == "U8" ? 1 : 4;
  if (view.dtype != "F64" && view.dtype != "U8" && view.dtype != "F32" && view.dtype != "U32") {
    return Broken(absl::StrCat("tensor ", name, " has dtype ", view.dtype));
  }
  for (const Json& extent : entry["shape"]) {
    if (!IsCount(extent) || __builtin_mul_overflow(bytes, extent.get<std::uint64_t>(), &bytes)) {
      return Broken(absl::StrCat("tensor ", name, " has an impossible shape"));
    }
    view.shape.push_back(extent.get<std::uint64_t>());
  }
  const auto begin = entry["data_offsets"][0].get<std::uint64_t>();
  const auto end = entry["data_offsets"][1].get<std::uint64_t>();
  if (begin > end || end > data.size() || end - begin != bytes) {
    return Broken(absl::StrCat("tensor ", name, " needs ", bytes, " bytes, its offsets are ", begin, " to ", end,
                               " of ", data.size()));
  }
  view.bytes = data.substr(begin, bytes);
  return view;
}

absl::StatusOr<std::map<std::string, TensorView>> ReadHeader(std::string_view file) {
  std::uint64_t size = 0;
  if (file.size() < sizeof size) return Broken(absl::StrCat(file.size(), " bytes are too few for a header"));
  std::memcpy(&size, file.data(), sizeof size);
  file.remove_prefix(sizeof size);
  if (size > file.size()) {
    return Broken(absl::StrCat("the header should have ", size, " bytes, ", file.size(), " are there"));
  }
  const Json header = Json::parse(file.substr(0, size), nullptr, /*allow_exceptions=*/false);
  if (!header.is_object()) return Broken("the header is not a JSON object");
  std::map<std::string, TensorView> tensors;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    auto view = ReadEntry(name, entry, file.substr(size));
    if (!view.ok()) return view.status();
    tensors.emplace(name, *std::move(view));
  }
  return tensors;
}

template <typename T>
absl::StatusOr<std::vector<T>> Values(const std::map<std::string, TensorView>& tensors, const std::string& name,
                                      const std::string& dtype) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) return Broken(absl::StrCat("tensor ", name, " is missing"));
  if (found->second.dtype != dtype) {
    return Broken(absl::StrCat("tensor ", name, " is ", found->second.dtype, ", wanted ", dtype));
  }
  std::vector<T> values(found->second.bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), found->second.bytes.data(), found->second.bytes.size());
  return values;
}

absl::StatusOr<std::vector<std::string>> ReadIds(const std::map<std::string, TensorView>& tensors) {
  const auto found = tensors.find("ids");
  if (found == tensors.end()) return Broken("tensor ids is missing");
  const Json ids = Json::parse(found->second.bytes, nullptr, /*allow_exceptions=*/false);
  if (!ids.is_array()) return Broken("tensor ids is not a JSON array");
  std::vector<std::string> values;
  for (const Json& id : ids) {
    if (!id.is_string()) return Broken("tensor ids holds something other than strings");
    values.push_back(id.get<std::string>());
  }
  return values;
}

bool IsPerSample(const std::string& name) {
  return name == "ids" || name == "index" || name == "tokens" || name == "response_tokens" || name == "objective";
}

absl::Status ReadPlanes(const std::map<std::string, TensorView>& tensors, Scores& scores) {
  for (const auto& [name, view] : tensors) {
    if (IsPerSample(name)) continue;
    if (view.shape.size() != 3 || view.shape[0] != scores.ids.size()) {
      return Broken(absl::StrCat("plane ", name, " is not [", scores.ids.size(), " samples, layers, heads]"));
    }
    if (!scores.planes.empty() && (scores.layers != view.shape[1] || scores.heads != view.shape[2])) {
      return Broken(absl::StrCat("plane ", name, " has another shape than the planes before it"));
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
    return Broken(absl::StrCat("tensor ", name, " has ", values->size(), " values for ", count, " samples"));
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
  const auto tensors = ReadHeader(safetensors);
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
  return scores;
}

}  // namespace headscope::client
