#include "server/store/disk_error.h"

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"

namespace headscope::server {
namespace {

std::string LastComponent(const std::string& folder) {
  const std::filesystem::path path(folder);
  return (path.has_filename() ? path.filename() : path.parent_path().filename()).string();
}

}  // namespace

bool IsDiskFull(int error_number) { return error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG; }

absl::Status DiskFullError(const std::string& folder) {
  return MakeError(absl::StatusCode::kResourceExhausted,
                   absl::StrCat("no room is left on the disk of the server's data folder '", LastComponent(folder),
                                "'; free some, for example by deleting jobs"),
                   "DISK_FULL");
}

absl::Status FileError(int error_number, const std::string& what, const std::string& folder) {
  if (IsDiskFull(error_number)) return DiskFullError(folder);
  return absl::InternalError(absl::StrCat("cannot ", what, " in the data folder '", LastComponent(folder),
                                          "': ", std::generic_category().message(error_number)));
}

}  // namespace headscope::server
