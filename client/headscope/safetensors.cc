#include "client/headscope/safetensors.h"

#include <bit>

#include "absl/status/status.h"
#include "nlohmann/json.hpp"

namespace headscope::client {
namespace {

using Json = nlohmann::json;

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian");

// Of one value; 0 for a dtype that no result has.
std::uint64_t BytesOf(const std::string& dtype) {
  if (dtype == "F64" || dtype == "I64") return 8;
  if (dtype == "F32" || dtype == "I32" || dtype == "U32") return 4;
  return dtype == "U8" ? 1 : 0;
}

bool IsCount(const Json& value) { return value.is_number_unsigned(); }

// One header entry checked against the bytes that are there.
absl::StatusOr<TensorView> ReadEntry(const std::string& name, const Json& entry, std::string_view data) {
  const bool formed = entry.is_object() && entry.contains("dtype") && entry["dtype"].is_string() &&
                      entry.contains("shape") && entry["shape"].is_array() && entry.contains("data_offsets") &&
                      entry["data_offsets"].is_array() && entry["data_offsets"].size() == 2 &&
                      IsCount(entry["data_offsets"][0]) && IsCount(entry["data_offsets"][1]);
  if (!formed) return BrokenFile(absl::StrCat("tensor ", name, " has no dtype, shape and data_offsets"));
  TensorView view;
  view.dtype = entry["dtype"].get<std::string>();
  std::uint64_t bytes = BytesOf(view.dtype);
  if (bytes == 0) return BrokenFile(absl::StrCat("tensor ", name, " has dtype ", view.dtype));
  for (const Json& extent : entry["shape"]) {
    if (!IsCount(extent) || __builtin_mul_overflow(bytes, extent.get<std::uint64_t>(), &bytes)) {
      return BrokenFile(absl::StrCat("tensor ", name, " has an impossible shape"));
    }
    view.shape.push_back(extent.get<std::uint64_t>());
  }
  const auto begin = entry["data_offsets"][0].get<std::uint64_t>();
  const auto end = entry["data_offsets"][1].get<std::uint64_t>();
  if (begin > end || end > data.size() || end - begin != bytes) {
    return BrokenFile(absl::StrCat("tensor ", name, " needs ", bytes, " bytes, its offsets are ", begin, " to ", end,
                                   " of ", data.size()));
  }
  view.bytes = data.substr(begin, bytes);
  return view;
}

}  // namespace

absl::Status BrokenFile(const std::string& why) {
  return absl::DataLossError(absl::StrCat("the result file does not hold together: ", why));
}

absl::StatusOr<TensorViews> ReadTensors(std::string_view file) {
  std::uint64_t size = 0;
  if (file.size() < sizeof size) return BrokenFile(absl::StrCat(file.size(), " bytes are too few for a header"));
  std::memcpy(&size, file.data(), sizeof size);
  file.remove_prefix(sizeof size);
  if (size > file.size()) {
    return BrokenFile(absl::StrCat("the header should have ", size, " bytes, ", file.size(), " are there"));
  }
  const Json header = Json::parse(file.substr(0, size), nullptr, /*allow_exceptions=*/false);
  if (!header.is_object()) return BrokenFile("the header is not a JSON object");
  TensorViews tensors;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    auto view = ReadEntry(name, entry, file.substr(size));
    if (!view.ok()) return view.status();
    tensors.emplace(name, *std::move(view));
  }
  return tensors;
}

absl::StatusOr<TensorView> FindTensor(const TensorViews& tensors, const std::string& name, const std::string& dtype) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) return BrokenFile(absl::StrCat("tensor ", name, " is missing"));
  if (found->second.dtype != dtype) {
    return BrokenFile(absl::StrCat("tensor ", name, " is ", found->second.dtype, ", wanted ", dtype));
  }
  return found->second;
}

}  // namespace headscope::client
