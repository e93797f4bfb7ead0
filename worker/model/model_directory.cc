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

// The path without links, dots or repeated slashes; empty when it does not exist.
std::string Canonical(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> resolved(::realpath(path.c_str(), nullptr), std::free);
  return resolved == nullptr ? std::string() : std::string(resolved.get());
}

bool IsBeneath(const std::string& path, const std::string& root) {
  if (root == "/") return true;
  return path == root ||
         (path.size() > root.size() && path.compare(0, root.size(), root) == 0 && path[root.size()] == '/');
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

ModelFile::ModelFile(int descriptor, std::string path, std::int64_t size_bytes)
    : descriptor_(descriptor), path_(std::move(path)), size_bytes_(size_bytes) {}

ModelFile::ModelFile(ModelFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::move(other.path_)),
      size_bytes_(other.size_bytes_) {}

ModelFile::~ModelFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

absl::Status ModelFile::Read(std::int64_t offset, std::int64_t length, void* destination) const {
  char* out = static_cast<char*>(destination);
  while (length > 0) {
    const ssize_t got = ::pread(descriptor_, out, static_cast<std::size_t>(length), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::DataLossError(absl::StrCat(path_, ": cannot be read: ", ErrorText(errno)));
    if (got == 0) {
      return absl::DataLossError(
          absl::StrCat(path_, ": ended at byte ", offset, ", ", length, " bytes early: it changed while being read"));
    }
    out += got;
    offset += got;
    length -= got;
  }
  return absl::OkStatus();
}

absl::Status ModelFile::CheckSize() const {
  struct stat info = {};
  if (::fstat(descriptor_, &info) != 0) return absl::DataLossError(absl::StrCat(path_, ": ", ErrorText(errno)));
  if (info.st_size == size_bytes_) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(path_, ": changed from ", size_bytes_, " to ", info.st_size, " bytes while being read"));
}

ModelDirectory::ModelDirectory(std::string directory, std::string root)
    : directory_(std::move(directory)), root_(std::move(root)) {}

absl::StatusOr<ModelDirectory> ModelDirectory::Open(const std::string& directory, const std::string& root) {
  const std::string canonical = Canonical(directory);
  const std::string canonical_root = root.empty() ? canonical : Canonical(root);
  struct stat info = {};
  if (canonical.empty() || ::stat(canonical.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    return absl::NotFoundError(absl::StrCat("no model directory ", directory));
  }
  if (canonical_root.empty() || !IsBeneath(canonical, canonical_root)) {
    return absl::PermissionDeniedError(absl::StrCat("model directory ", directory, " is not beneath its root ", root));
  }
  return ModelDirectory(directory, canonical_root);
}

bool ModelDirectory::Contains(const std::string& name) const {
  struct stat info = {};
  return ::stat(absl::StrCat(directory_, "/", name).c_str(), &info) == 0;
}

absl::StatusOr<ModelFile> ModelDirectory::OpenFile(const std::string& name) const {
  const std::string path = absl::StrCat(directory_, "/", name);
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos ||
      name.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat("\"", name, "\" is not a plain file name"));
  }
  const std::string canonical = Canonical(path);
  if (canonical.empty()) return absl::NotFoundError(absl::StrCat("no file ", path));
  if (!IsBeneath(canonical, root_)) {
    return absl::PermissionDeniedError(absl::StrCat(path, " leads to a file outside of ", root_));
  }
  const int descriptor = OpenBeneath(root_, canonical);
  if (descriptor < 0) return absl::NotFoundError(absl::StrCat(path, ": cannot be opened: ", ErrorText(errno)));
  struct stat info = {};
  const bool known = ::fstat(descriptor, &info) == 0;
  ModelFile file(descriptor, path, known ? info.st_size : 0);
  if (!known || !S_ISREG(info.st_mode)) return absl::InvalidArgumentError(absl::StrCat(path, " is not a regular file"));
  return file;
}

absl::StatusOr<std::string> ModelDirectory::ReadText(const std::string& name, std::int64_t max_bytes) const {
  absl::StatusOr<ModelFile> file = OpenFile(name);
  if (!file.ok()) return file.status();
  if (file->size_bytes() > max_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(file->path(), " has ", file->size_bytes(), " bytes, at most ", max_bytes, " are accepted"));
  }
  std::string text(static_cast<std::size_t>(file->size_bytes()), '\0');
  const absl::Status status = file->Read(0, file->size_bytes(), text.data());
  if (!status.ok()) return status;
  return text;
}

}  // namespace headscope::worker
