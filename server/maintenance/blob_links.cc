#include "server/maintenance/blob_links.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/maintenance/data_files.h"
#include "server/store/disk_error.h"
#include "server/store/sync_folder.h"

namespace headscope::server {
namespace {

constexpr std::size_t kBufferBytes = 1 << 20;

// Where hard links are refused: another disk, a file system without them, a file with as many as it may have, or one of
// another user.
bool MeansCopy(int error) {
  return error == EXDEV || error == EPERM || error == EMLINK || error == ENOTSUP || error == ENOSYS;
}

absl::Status CopyBytes(int from, int to, const std::string& target) {
  std::string buffer(kBufferBytes, '\0');
  for (;;) {
    const ssize_t got = read(from, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileError(errno, "read a blob", target);
    if (got == 0) break;
    for (ssize_t done = 0; done < got;) {
      const ssize_t put = write(to, buffer.data() + done, static_cast<std::size_t>(got - done));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return FileError(errno, "copy a blob", target);
      done += put;
    }
  }
  return fsync(to) == 0 ? absl::OkStatus() : FileError(errno, "sync a blob", target);
}

// False: no such file.
absl::StatusOr<bool> Copy(const std::string& from_path, const std::string& to_path, const std::string& target) {
  const int from = open(from_path.c_str(), O_RDONLY | O_CLOEXEC);
  if (from < 0 && errno == ENOENT) return false;
  if (from < 0) return FileError(errno, "open a blob", target);
  const int to = open(to_path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const absl::Status copied = to < 0 ? FileError(errno, "make a blob", target) : CopyBytes(from, to, target);
  close(from);
  if (to >= 0) close(to);
  if (!copied.ok()) return copied;
  return true;
}

}  // namespace

BlobLinks::BlobLinks(std::string source, std::string target) : source_(std::move(source)), target_(std::move(target)) {}

absl::StatusOr<std::vector<std::string>> BlobLinks::Link(const std::vector<std::string>& blobs) {
  std::vector<std::string> gone;
  for (const std::string& blob : blobs) {
    if (linked_.count(blob) != 0) continue;
    const absl::StatusOr<bool> linked = LinkOne(blob);
    if (!linked.ok()) return linked.status();
    if (!*linked) gone.push_back(blob);
  }
  return gone;
}

absl::StatusOr<bool> BlobLinks::LinkOne(const std::string& blob) {
  const std::string from = PathOfBlob(source_, blob);
  const std::string to = PathOfBlob(target_, blob);
  const std::string folder = absl::StrCat(target_, "/blobs/", blob.substr(0, 2));
  if (folders_.insert(folder).second && mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return FileError(errno, "make a folder of blobs", target_);
  }
  if (link(from.c_str(), to.c_str()) != 0) {
    if (errno == ENOENT) return false;
    if (!MeansCopy(errno)) return FileError(errno, "link a blob", target_);
    const absl::StatusOr<bool> copied = Copy(from, to, target_);
    if (!copied.ok() || !*copied) return copied;
    ++copied_;
  }
  struct stat status {};
  if (stat(to.c_str(), &status) != 0) return FileError(errno, "look at a blob", target_);
  linked_.insert(blob);
  bytes_ += static_cast<std::uint64_t>(status.st_size);
  return true;
}

absl::Status BlobLinks::KeepOnly(const std::vector<std::string>& blobs) {
  for (auto blob = linked_.begin(); blob != linked_.end();) {
    if (std::binary_search(blobs.begin(), blobs.end(), *blob)) {
      ++blob;
      continue;
    }
    const std::string path = PathOfBlob(target_, *blob);
    struct stat status {};
    if (stat(path.c_str(), &status) == 0) bytes_ -= static_cast<std::uint64_t>(status.st_size);
    if (unlink(path.c_str()) != 0) return FileError(errno, "remove a blob that was deleted meanwhile", target_);
    blob = linked_.erase(blob);
  }
  return absl::OkStatus();
}

absl::Status BlobLinks::Sync() {
  for (const std::string& folder : folders_) {
    if (absl::Status synced = SyncFolder(folder, target_); !synced.ok()) return synced;
  }
  return SyncFolder(absl::StrCat(target_, "/blobs"), target_);
}

absl::StatusOr<bool> BlobLinks::CanLink(const std::vector<std::string>& blobs) const {
  const std::string probe = absl::StrCat(target_, "/blobs/probe");
  for (const std::string& blob : blobs) {
    if (link(PathOfBlob(source_, blob).c_str(), probe.c_str()) == 0) {
      if (unlink(probe.c_str()) != 0) return FileError(errno, "remove a link", target_);
      return true;
    }
    // Deleted meanwhile.
    if (errno == ENOENT) continue;
    if (MeansCopy(errno)) return false;
    return FileError(errno, "link a blob", target_);
  }
  return true;
}

}  // namespace headscope::server
