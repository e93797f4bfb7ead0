#include "server/store/sync_folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "server/store/disk_error.h"

namespace headscope::server {

absl::Status SyncFolder(const std::string& folder, const std::string& data_folder) {
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && fsync(fd) == 0;
  const int error = errno;
  if (fd >= 0) close(fd);
  return synced ? absl::OkStatus() : FileError(error, "sync a folder", data_folder);
}

}  // namespace headscope::server
