#include "client/cli/npz.h"

#include <zip.h>

#include <memory>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace headscope::cli {
namespace {

absl::Status Fault(const std::string& what) { return absl::InternalError(absl::StrCat("cannot make a .npz: ", what)); }

absl::Status AddMember(zip_t* archive, const std::string& name, const std::string& bytes) {
  zip_source_t* source = zip_source_buffer(archive, bytes.data(), bytes.size(), /*freep=*/0);
  if (source == nullptr) return Fault(zip_strerror(archive));
  const zip_int64_t index = zip_file_add(archive, absl::StrCat(name, ".npy").c_str(), source, ZIP_FL_ENC_UTF_8);
  if (index < 0) {
    zip_source_free(source);
    return Fault(zip_strerror(archive));
  }
  const auto member = static_cast<zip_uint64_t>(index);
  // 1980-01-01, the first day of zip files: bytes do not depend on the day.
  constexpr zip_uint16_t kTime = 0, kDate = 1 << 5 | 1;
  if (zip_set_file_compression(archive, member, ZIP_CM_STORE, 0) != 0 ||
      zip_file_set_dostime(archive, member, kTime, kDate, 0) != 0) {
    return Fault(zip_strerror(archive));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadAll(zip_source_t* source) {
  zip_stat_t info;
  if (zip_source_stat(source, &info) != 0 || zip_source_open(source) != 0) {
    return Fault(zip_error_strerror(zip_source_error(source)));
  }
  std::string bytes(info.size, '\0');
  const zip_int64_t read = zip_source_read(source, bytes.data(), bytes.size());
  zip_source_close(source);
  if (read != static_cast<zip_int64_t>(bytes.size())) return Fault("its bytes were cut off");
  return bytes;
}

}  // namespace

absl::StatusOr<std::string> NpzBytes(const std::vector<std::pair<std::string, std::string>>& members) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* buffer = zip_source_buffer_create(nullptr, 0, 0, &error);
  if (buffer == nullptr) return Fault(zip_error_strerror(&error));
  const auto release = absl::MakeCleanup([buffer] { zip_source_free(buffer); });
  zip_t* archive = zip_open_from_source(buffer, ZIP_TRUNCATE, &error);
  if (archive == nullptr) return Fault(zip_error_strerror(&error));
  // The archive's end would take the buffer with it.
  zip_source_keep(buffer);
  for (const auto& [name, bytes] : members) {
    if (absl::Status status = AddMember(archive, name, bytes); !status.ok()) {
      zip_discard(archive);
      return status;
    }
  }
  if (zip_close(archive) != 0) {
    const absl::Status status = Fault(zip_strerror(archive));
    zip_discard(archive);
    return status;
  }
  return ReadAll(buffer);
}

}  // namespace headscope::cli
