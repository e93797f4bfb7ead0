#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "proto/support/sha256.h"
#include "server/store/disk_error.h"
#include "server/store/failpoint.h"
#include "server/store/sqlite_store.h"
#include "server/store/sync_folder.h"

namespace headscope::server {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBufferBytes = 256 << 10;

// Where things are beneath the data directory.
struct Layout {
  std::string directory;

  std::string Root() const { return absl::StrCat(directory, "/blobs"); }
  std::string Unfinished() const { return absl::StrCat(directory, "/blobs/unfinished"); }
  std::string Folder(const std::string& hex) const { return absl::StrCat(Root(), "/", hex.substr(0, 2)); }
  std::string File(const std::string& hex) const { return absl::StrCat(Folder(hex), "/", hex); }
};

// Names become paths, so nothing else than what ToHex writes is one.
bool IsDigest(const std::string& hex) {
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return hex.size() == 64 && std::all_of(hex.begin(), hex.end(), is_digit);
}

absl::Status NoSuchBlob(const std::string& hex) { return absl::NotFoundError(absl::StrCat("no blob '", hex, "'")); }

// Which of the 256 folders of blobs have a durable name: one that another thread has only just made may not.
// Thread-safe.
using DurableFolders = std::array<std::atomic<bool>, 256>;

class FileReader : public BlobReader {
 public:
  FileReader(int fd, std::uint64_t size) : fd_(fd), size_(size) {}
  ~FileReader() override { close(fd_); }

  std::uint64_t size() const override { return size_; }

  absl::StatusOr<std::string> Read(std::uint64_t offset, std::uint64_t length) override {
    if (offset > size_ || length > size_ - offset) {
      return absl::DataLossError(
          absl::StrCat("a blob of ", size_, " bytes has none from ", offset, " to ", offset + length));
    }
    std::string bytes(length, '\0');
    for (std::size_t done = 0; done < length;) {
      const ssize_t got = pread(fd_, bytes.data() + done, length - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return absl::DataLossError(absl::StrCat("a blob of ", size_, " bytes cannot be read"));
      done += static_cast<std::size_t>(got);
    }
    return bytes;
  }

 private:
  const int fd_;
  const std::uint64_t size_;
};

class FileWriter : public BlobWriter {
 public:
  FileWriter(Layout layout, std::string path, int fd, std::atomic<std::uint64_t>& stored_bytes, DurableFolders& durable)
      : layout_(std::move(layout)), path_(std::move(path)), fd_(fd), stored_bytes_(stored_bytes), durable_(durable) {}

  ~FileWriter() override {
    close(fd_);
    if (!path_.empty()) unlink(path_.c_str());
  }

  absl::Status Append(std::string_view bytes) override {
    hash_.Update(bytes);
    size_ += bytes.size();
    buffer_.append(bytes);
    return buffer_.size() < kBufferBytes ? absl::OkStatus() : Flush();
  }

  std::uint64_t size() const override { return size_; }

  absl::StatusOr<std::string> Finish() override {
    if (absl::Status flushed = Flush(); !flushed.ok()) return flushed;
    if (fsync(fd_) != 0) return FileError(errno, "sync a blob", layout_.directory);
    hex_ = ToHex(hash_.Finish());
    return hex_;
  }

  absl::Status Place() override {
    struct stat former {};
    const bool is_there = stat(layout_.File(hex_).c_str(), &former) == 0;
    if (absl::Status moved = MoveTo(hex_); !moved.ok()) return moved;
    stored_bytes_ += size_ - (is_there ? static_cast<std::uint64_t>(former.st_size) : 0);
    return absl::OkStatus();
  }

 private:
  absl::Status Flush() {
    for (std::size_t done = 0; done < buffer_.size();) {
      const ssize_t put = write(fd_, buffer_.data() + done, buffer_.size() - done);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return FileError(errno, "write a blob", layout_.directory);
      done += static_cast<std::size_t>(put);
    }
    buffer_.clear();
    return absl::OkStatus();
  }

  // The folder of a blob, under a durable name when this returns OK.
  absl::Status MakeFolder(const std::string& hex) {
    if (mkdir(layout_.Folder(hex).c_str(), 0700) != 0 && errno != EEXIST) {
      return FileError(errno, "make a folder", layout_.directory);
    }
    std::atomic<bool>& is_durable = durable_[static_cast<unsigned char>(DigestFromHex(hex).front())];
    if (is_durable) return absl::OkStatus();
    if (absl::Status synced = SyncFolder(layout_.Root(), layout_.directory); !synced.ok()) return synced;
    is_durable = true;
    return absl::OkStatus();
  }

  absl::Status MoveTo(const std::string& hex) {
    const std::string folder = layout_.Folder(hex);
    if (absl::Status made = MakeFolder(hex); !made.ok()) return made;
    Failpoint("blob.before_rename");
    if (rename(path_.c_str(), layout_.File(hex).c_str()) != 0) {
      return FileError(errno, "put a blob in its place", layout_.directory);
    }
    path_.clear();
    Failpoint("blob.after_rename");
    return SyncFolder(folder, layout_.directory);
  }

  const Layout layout_;
  // Empty once moved to its place.
  std::string path_;
  const int fd_;
  std::atomic<std::uint64_t>& stored_bytes_;
  DurableFolders& durable_;
  Sha256 hash_;
  // Once finished.
  std::string hex_;
  std::string buffer_;
  std::uint64_t size_ = 0;
};

// Thread-safe: every file is written by one writer under a name of its own.
class FileBlobStore : public BlobStore {
 public:
  FileBlobStore(Layout layout, std::uint64_t stored_bytes) : layout_(std::move(layout)), stored_bytes_(stored_bytes) {}

  absl::StatusOr<std::unique_ptr<BlobWriter>> Create() override {
    const std::string path = absl::StrCat(layout_.Unfinished(), "/", next_++);
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return FileError(errno, "make a blob", layout_.directory);
    return std::make_unique<FileWriter>(layout_, path, fd, stored_bytes_, durable_);
  }

  absl::StatusOr<std::unique_ptr<BlobReader>> Open(const std::string& sha256_hex) override {
    if (!IsDigest(sha256_hex)) return NoSuchBlob(sha256_hex);
    const int fd = open(layout_.File(sha256_hex).c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) return NoSuchBlob(sha256_hex);
    if (fd < 0) return FileError(errno, "open a blob", layout_.directory);
    struct stat status {};
    if (fstat(fd, &status) != 0) {
      const int error = errno;
      close(fd);
      return FileError(error, "look at a blob", layout_.directory);
    }
    return std::make_unique<FileReader>(fd, static_cast<std::uint64_t>(status.st_size));
  }

  absl::Status Remove(const std::string& sha256_hex) override {
    if (!IsDigest(sha256_hex)) return absl::OkStatus();
    const std::string path = layout_.File(sha256_hex);
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) return absl::OkStatus();
    if (unlink(path.c_str()) != 0) {
      return errno == ENOENT ? absl::OkStatus() : FileError(errno, "remove a blob", layout_.directory);
    }
    stored_bytes_ -= static_cast<std::uint64_t>(status.st_size);
    return absl::OkStatus();
  }

  std::uint64_t stored_bytes() const override { return stored_bytes_; }

 private:
  const Layout layout_;
  std::atomic<std::uint64_t> stored_bytes_;
  std::atomic<std::uint64_t> next_ = 0;
  DurableFolders durable_{};
};

}  // namespace

absl::StatusOr<std::unique_ptr<BlobStore>> OpenFileBlobStore(const std::string& directory, std::uint64_t stored_bytes) {
  const Layout layout{directory};
  std::error_code error;
  // Kept where it is there: a full disk has no room for a folder.
  fs::create_directories(layout.Unfinished(), error);
  for (fs::directory_iterator file(layout.Unfinished(), error), end; !error && file != end; file.increment(error)) {
    fs::remove(file->path(), error);
  }
  if (error) return FileError(error.value(), "make the folder of blobs", directory);
  for (const std::string& folder : {layout.Root(), directory}) {
    if (absl::Status synced = SyncFolder(folder, directory); !synced.ok()) return synced;
  }
  return std::make_unique<FileBlobStore>(layout, stored_bytes);
}

}  // namespace headscope::server
