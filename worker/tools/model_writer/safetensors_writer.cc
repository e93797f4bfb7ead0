#include "worker/tools/model_writer/safetensors_writer.h"

#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <system_error>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace headscope::worker {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian");

// Data begins at a multiple of this, so that readers may map it.
constexpr std::size_t kAlignment = 8;

std::int64_t ElementCount(const OutputTensor& tensor) {
  std::int64_t count = 1;
  for (const std::int64_t size : tensor.shape) count *= size;
  return count;
}

std::int64_t ElementBytes(StoredType type) { return type == StoredType::kFloat32 ? 4 : 2; }

std::uint16_t RoundToBFloat16(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}

absl::StatusOr<std::string> MakeHeader(StoredType type, const std::vector<OutputTensor>& tensors) {
  nlohmann::ordered_json header;
  header["__metadata__"] = {{"format", "pt"}};
  std::set<std::string> names = {"__metadata__"};
  std::int64_t begin = 0;
  for (const OutputTensor& tensor : tensors) {
    if (!names.insert(tensor.name).second) {
      return absl::InvalidArgumentError(absl::StrCat("two tensors are named '", tensor.name, "'"));
    }
    const std::int64_t end = begin + ElementCount(tensor) * ElementBytes(type);
    header[tensor.name] = {{"dtype", type == StoredType::kFloat32 ? "F32" : "BF16"},
                           {"shape", tensor.shape},
                           {"data_offsets", {begin, end}}};
    begin = end;
  }
  std::string text = header.dump();
  text.append((kAlignment - text.size() % kAlignment) % kAlignment, ' ');
  return text;
}

void WriteValues(StoredType type, const std::vector<float>& values, std::ofstream& file) {
  if (type == StoredType::kFloat32) {
    file.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size() * 4));
    return;
  }
  std::vector<std::uint16_t> rounded(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) rounded[i] = RoundToBFloat16(values[i]);
  file.write(reinterpret_cast<const char*>(rounded.data()), static_cast<std::streamsize>(rounded.size() * 2));
}

// Lets `write` fill a file beside `path` and renames it to `path`.
absl::Status WriteWhole(const std::string& path, const std::function<void(std::ofstream&)>& write) {
  const std::string partial = path + ".partial";
  errno = 0;
  std::ofstream file(partial, std::ios::binary | std::ios::trunc);
  if (file) write(file);
  file.close();
  if (!file) {
    const std::string reason = errno != 0 ? std::strerror(errno) : "unknown reason";
    std::error_code ignored;
    std::filesystem::remove(partial, ignored);
    return absl::UnavailableError(absl::StrCat("cannot write ", partial, ": ", reason));
  }
  std::error_code error;
  std::filesystem::rename(partial, path, error);
  if (error) return absl::UnavailableError(absl::StrCat("cannot write ", path, ": ", error.message()));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<StoredType> ParseStoredType(const std::string& name) {
  if (name == "float32") return StoredType::kFloat32;
  if (name == "bfloat16") return StoredType::kBFloat16;
  return absl::InvalidArgumentError(absl::StrCat("unknown dtype '", name, "'; known: float32, bfloat16"));
}

std::string StoredTypeName(StoredType type) { return type == StoredType::kFloat32 ? "float32" : "bfloat16"; }

absl::Status WriteSafetensors(const std::string& path, StoredType type, const std::vector<OutputTensor>& tensors) {
  const absl::StatusOr<std::string> header = MakeHeader(type, tensors);
  if (!header.ok()) return header.status();
  return WriteWhole(path, [&](std::ofstream& file) {
    const std::uint64_t header_bytes = header->size();
    file.write(reinterpret_cast<const char*>(&header_bytes), sizeof(header_bytes));
    file.write(header->data(), static_cast<std::streamsize>(header->size()));
    for (const OutputTensor& tensor : tensors) {
      std::vector<float> values(static_cast<std::size_t>(ElementCount(tensor)));
      tensor.fill(values);
      WriteValues(type, values, file);
    }
  });
}

absl::Status WriteTextFile(const std::string& path, const std::string& text) {
  return WriteWhole(
      path, [&text](std::ofstream& file) { file.write(text.data(), static_cast<std::streamsize>(text.size())); });
}

}  // namespace headscope::worker
