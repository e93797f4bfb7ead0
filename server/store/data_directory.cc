#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "proto/support/log.h"
#include "server/store/disk_error.h"
#include "server/store/sqlite_store.h"
#include "server/store/sync_folder.h"

namespace headscope::server {
namespace {

std::string HolderOf(int lock_fd) {
  std::array<char, 32> text{};
  const ssize_t size = pread(lock_fd, text.data(), text.size() - 1, 0);
  const std::string pid = size > 0 ? std::string(absl::StripAsciiWhitespace(text.data())) : "";
  return pid.empty() ? "another process" : absl::StrCat("process ", pid);
}

absl::Status WriteHolder(int lock_fd, const std::string& path) {
  const std::string pid = absl::StrCat(getpid(), "\n");
  const bool written = ftruncate(lock_fd, 0) == 0 && pwrite(lock_fd, pid.data(), pid.size(), 0) == ssize_t(pid.size());
  // The number is for people. A full disk must not keep a server from starting: only it can delete.
  return written || IsDiskFull(errno) ? absl::OkStatus() : FileError(errno, "write the lock file", path);
}

// The nearest folder above that exists.
std::filesystem::path ExistingAncestor(std::filesystem::path path) {
  std::error_code error;
  while (path.has_relative_path()) {
    path = path.parent_path();
    if (std::filesystem::exists(path, error)) break;
  }
  return path;
}

// The names of `path` and of every folder down to it from `ancestor` survive a crash. Folders above it that are not
// ours to open are left to their owner.
absl::Status SyncNames(const std::filesystem::path& path, const std::filesystem::path& ancestor) {
  if (absl::Status synced = SyncFolder(path, path); !synced.ok()) return synced;
  for (std::filesystem::path above = path; above != ancestor && above.has_relative_path();) {
    above = above.parent_path();
    if (access(above.c_str(), R_OK) != 0) continue;
    if (absl::Status synced = SyncFolder(above, path); !synced.ok()) return synced;
  }
  return absl::OkStatus();
}

// Prompts and results are nobody else's to read, also where the folder was made by another hand.
void Tighten(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0 || (status.st_mode & 0077) == 0) return;
  if (chmod(path.c_str(), 0700) == 0) {
    Log(LogLevel::kInfo, "the data directory is closed to other users", {{"data_dir", path}});
  } else {
    Log(LogLevel::kWarning, "the data directory is open to other users and cannot be closed to them",
        {{"data_dir", path}});
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<DataDirectory>> DataDirectory::Lock(const std::string& path) {
  std::error_code error;
  std::filesystem::path folder = std::filesystem::absolute(path, error);
  // A "/" at the end would be a component of its own.
  if (!folder.has_filename()) folder = folder.parent_path();
  const std::filesystem::path ancestor = ExistingAncestor(folder);
  if (std::filesystem::create_directories(path, error)) chmod(path.c_str(), 0700);
  if (error) return FileError(error.value(), "make the folder", path);
  Tighten(path);
  // Closed in children: a lock must not outlive this process in one of them.
  const int fd = open(absl::StrCat(path, "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return FileError(errno, "open the lock file", path);
  std::unique_ptr<DataDirectory> directory(new DataDirectory(path, fd));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition,
        absl::StrCat("the data directory '", path, "' is in use by ", HolderOf(fd), "; one server uses it at a time"),
        "DATA_DIRECTORY_IN_USE");
  }
  if (absl::Status written = WriteHolder(fd, path); !written.ok()) return written;
  if (absl::Status synced = SyncNames(folder, ancestor); !synced.ok()) return synced;
  return directory;
}

DataDirectory::DataDirectory(std::string path, int lock_fd) : path_(std::move(path)), lock_fd_(lock_fd) {}

DataDirectory::~DataDirectory() { close(lock_fd_); }

}  // namespace headscope::server
