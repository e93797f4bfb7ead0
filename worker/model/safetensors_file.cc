#include "worker/model/safetensors_file.h"

#include <array>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace headscope::worker {
namespace {

constexpr std::int64_t kLengthBytes = 8;

// The header's length, u64 little-endian, checked against the limit and the file.
absl::StatusOr<std::int64_t> ReadHeaderLength(const ModelFile& file) {
  if (file.size_bytes() < kLengthBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(file.shown(), ": safetensors: the file has ", file.size_bytes(), " bytes, at least 8 are needed"));
  }
  std::array<unsigned char, kLengthBytes> bytes = {};
  const absl::Status status = file.Read(0, kLengthBytes, bytes.data());
  if (!status.ok()) return status;
  std::uint64_t length = 0;
  for (int i = kLengthBytes - 1; i >= 0; --i) length = length << 8 | bytes[i];
  const auto rest = static_cast<std::uint64_t>(file.size_bytes() - kLengthBytes);
  if (length < 2 || length > static_cast<std::uint64_t>(kMaxHeaderBytes) || length > rest) {
    return absl::InvalidArgumentError(absl::StrCat(file.shown(), ": safetensors: a header of ", length,
                                                   " bytes, accepted are 2 to ", kMaxHeaderBytes, " and the file has ",
                                                   rest, " after the length: truncated, or not safetensors"));
  }
  return static_cast<std::int64_t>(length);
}

}  // namespace

SafetensorsFile::SafetensorsFile(ModelFile file, SafetensorsHeader header, std::int64_t data_begin)
    : file_(std::move(file)), header_(std::move(header)), data_begin_(data_begin) {}

absl::StatusOr<SafetensorsFile> SafetensorsFile::Open(const ModelDirectory& directory, const std::string& name) {
  absl::StatusOr<ModelFile> file = directory.OpenFile(name);
  if (!file.ok()) return file.status();
  const absl::StatusOr<std::int64_t> length = ReadHeaderLength(*file);
  if (!length.ok()) return length.status();
  std::string text(static_cast<std::size_t>(*length), '\0');
  absl::Status status = file->Read(kLengthBytes, *length, text.data());
  if (!status.ok()) return status;
  const std::int64_t data_begin = kLengthBytes + *length;
  absl::StatusOr<SafetensorsHeader> header =
      ParseSafetensorsHeader(text, file->size_bytes() - data_begin, file->shown());
  if (!header.ok()) return header.status();
  status = file->CheckSize();
  if (!status.ok()) return status;
  return SafetensorsFile(*std::move(file), *std::move(header), data_begin);
}

absl::Status SafetensorsFile::Read(const StoredTensor& tensor, void* destination) const {
  return file_.Read(data_begin_ + tensor.begin, tensor.end - tensor.begin, destination);
}

}  // namespace headscope::worker
