#include "worker/model/model_directory.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace headscope::worker {
namespace {

std::string ErrorText(int error) { return std::strerror(error); }

// What `errno` = `error` means for `what`: what is not there, and what is but cannot be had at the moment.
absl::Status SystemError(int error, const std::string& what) {
  const std::string text = absl::StrCat(what, ": ", ErrorText(error));
  return error == ENOENT || error == ENOTDIR ? absl::NotFoundError(text) : absl::UnavailableError(text);
}

// The path without links, dots or repeated slashes. Errors say nothing of where it is but `shown`.
absl::StatusOr<std::string> Canonical(const std::string& path, const std::string& shown) {
  const std::unique_ptr<char, void (*)(void*)> resolved(::realpath(path.c_str(), nullptr), std::free);
  if (resolved == nullptr) return SystemError(errno, shown);
  return std::string(resolved.get());
}

bool IsBeneath(const std::string& path, const std::string& root) {
  if (root == "/") return true;
  return path == root ||
         (path.size() > root.size() && path.compare(0, root.size(), root) == 0 && path[root.size()] == '/');
}

// How messages name `directory`: beneath the root, as people know it who see no more of this machine than the root.
std::string Shown(const std::string& directory, const std::string& root) {
  if (root.empty()) return directory;
  const std::string prefix = root.back() == '/' ? root : root + "/";
  return directory.compare(0, prefix.size(), prefix) == 0 ? directory.substr(prefix.size()) : "the model directory";
}

// Opens `path`, canonical and beneath `root`, so that nothing swapped in meanwhile leads out of the root. Kernels and
// containers without openat2 fall back to refusing a link in the last place.
int OpenBeneath(const std::string& root, const std::string& path) {
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  const int root_descriptor = ::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root_descriptor < 0) return -1;
  const std::string relative = path.substr(root == "/" ? 1 : root.size() + 1);
  struct open_how how = {};
  how.flags = kFlags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  int descriptor = static_cast<int>(::syscall(SYS_openat2, root_descriptor, relative.c_str(), &how, sizeof(how)));
  int error = errno;
  if (descriptor < 0 && (error == ENOSYS || error == EPERM)) {
    descriptor = ::openat(root_descriptor, relative.c_str(), kFlags | O_NOFOLLOW);
    error = errno;
  }
  ::close(root_descriptor);
  errno = error;
  return descriptor;
}

}  // namespace

ModelFile::ModelFile(int descriptor, std::string shown, const FileIdentity& identity)
    : descriptor_(descriptor), shown_(std::move(shown)), identity_(identity) {}

ModelFile::ModelFile(ModelFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), shown_(std::move(other.shown_)), identity_(other.identity_) {}

ModelFile::~ModelFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

absl::Status ModelFile::Read(std::int64_t offset, std::int64_t length, void* destination) const {
  char* out = static_cast<char*>(destination);
  while (length > 0) {
    const ssize_t got = ::pread(descriptor_, out, static_cast<std::size_t>(length), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::DataLossError(absl::StrCat(shown_, ": cannot be read: ", ErrorText(errno)));
    if (got == 0) {
      return absl::DataLossError(
          absl::StrCat(shown_, ": ended at byte ", offset, ", ", length, " bytes early: it changed while being read"));
    }
    out += got;
    offset += got;
    length -= got;
  }
  return absl::OkStatus();
}

absl::Status ModelFile::CheckSize() const {
  struct stat info = {};
  if (::fstat(descriptor_, &info) != 0) return absl::DataLossError(absl::StrCat(shown_, ": ", ErrorText(errno)));
  if (info.st_size == size_bytes()) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(shown_, ": changed from ", size_bytes(), " to ", info.st_size, " bytes while being read"));
}

ModelDirectory::ModelDirectory(std::string directory, std::string root, std::string shown)
    : directory_(std::move(directory)), root_(std::move(root)), shown_(std::move(shown)) {}

absl::StatusOr<ModelDirectory> ModelDirectory::Open(const std::string& directory, const std::string& root) {
  const std::string shown = Shown(directory, root);
  const absl::StatusOr<std::string> canonical = Canonical(directory, absl::StrCat("model directory ", shown));
  if (!canonical.ok()) return canonical.status();
  const absl::StatusOr<std::string> canonical_root = root.empty() ? canonical : Canonical(root, "the model root");
  if (!canonical_root.ok()) return canonical_root.status();
  struct stat info = {};
  if (::stat(canonical->c_str(), &info) != 0) return SystemError(errno, absl::StrCat("model directory ", shown));
  if (!S_ISDIR(info.st_mode)) return absl::NotFoundError(absl::StrCat(shown, " is not a directory"));
  if (!IsBeneath(*canonical, *canonical_root)) {
    return absl::PermissionDeniedError(absl::StrCat("model directory ", shown, " is not beneath the model root"));
  }
  return ModelDirectory(directory, *canonical_root, shown);
}

bool ModelDirectory::Contains(const std::string& name) const {
  struct stat info = {};
  return ::stat(absl::StrCat(directory_, "/", name).c_str(), &info) == 0;
}

absl::StatusOr<ModelFile> ModelDirectory::OpenFile(const std::string& name) const {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos ||
      name.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat("\"", name, "\" is not a plain file name"));
  }
  const std::string shown = absl::StrCat(shown_, "/", name);
  const absl::StatusOr<std::string> canonical = Canonical(absl::StrCat(directory_, "/", name), shown);
  if (!canonical.ok()) return canonical.status();
  if (!IsBeneath(*canonical, root_)) {
    return absl::PermissionDeniedError(absl::StrCat(shown, " leads to a file outside of the model root"));
  }
  const int descriptor = OpenBeneath(root_, *canonical);
  if (descriptor < 0) return SystemError(errno, shown);
  struct stat info = {};
  const int error = ::fstat(descriptor, &info) == 0 ? 0 : errno;
  ModelFile file(descriptor, shown,
                 {.device = info.st_dev,
                  .inode = info.st_ino,
                  .size_bytes = info.st_size,
                  .modified_ns = info.st_mtim.tv_sec * 1'000'000'000LL + info.st_mtim.tv_nsec});
  if (error != 0) return SystemError(error, shown);
  if (!S_ISREG(info.st_mode)) return absl::InvalidArgumentError(absl::StrCat(shown, " is not a regular file"));
  return file;
}

absl::StatusOr<std::string> ModelDirectory::ReadText(const std::string& name, std::int64_t max_bytes) const {
  absl::StatusOr<ModelFile> file = OpenFile(name);
  if (!file.ok()) return file.status();
  if (file->size_bytes() > max_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(file->shown(), " has ", file->size_bytes(), " bytes, at most ", max_bytes, " are accepted"));
  }
  std::string text(static_cast<std::size_t>(file->size_bytes()), '\0');
  const absl::Status status = file->Read(0, file->size_bytes(), text.data());
  if (!status.ok()) return status;
  return text;
}

}  // namespace headscope::worker
