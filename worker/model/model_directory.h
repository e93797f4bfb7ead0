// The files of one model directory, opened beneath a root and nowhere else.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace headscope::worker {

// Which file it is and how it stood.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size_bytes = 0;
  std::int64_t modified_ns = 0;
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

// An open regular file. Reading copies: a file that shrinks meanwhile gives an error, never a signal. Move-only.
class ModelFile {
 public:
  ModelFile(int descriptor, std::string shown, const FileIdentity& identity);
  ~ModelFile();
  ModelFile(ModelFile&& other) noexcept;
  ModelFile& operator=(ModelFile&&) = delete;

  // How messages name it: ModelDirectory::shown and the file's name.
  const std::string& shown() const { return shown_; }
  // When it was opened.
  const FileIdentity& identity() const { return identity_; }
  std::int64_t size_bytes() const { return identity_.size_bytes; }
  // Copies [offset, offset + length) to `destination`. DATA_LOSS when the file has become shorter or cannot be read.
  absl::Status Read(std::int64_t offset, std::int64_t length, void* destination) const;
  // OK while the file is as long as it was when opened; DATA_LOSS otherwise.
  absl::Status CheckSize() const;

 private:
  int descriptor_;
  std::string shown_;
  FileIdentity identity_;
};

// Immutable: thread-safe.
class ModelDirectory {
 public:
  // `directory` beneath `root`; an empty root means the directory itself. Symbolic links are followed as long as they
  // stay beneath the root (so do model caches link files to blobs). Errors: NOT_FOUND (no such directory),
  // PERMISSION_DENIED (not beneath the root), UNAVAILABLE (it cannot be opened at the moment).
  static absl::StatusOr<ModelDirectory> Open(const std::string& directory, const std::string& root);

  // How messages name it: its path beneath the root, since a client sees them who should learn no more of this machine;
  // where the directory is its own root, as given.
  const std::string& shown() const { return shown_; }
  bool Contains(const std::string& name) const;
  // Opens `name`, a plain file name. NOT_FOUND; PERMISSION_DENIED when it leads out of the root; INVALID_ARGUMENT when
  // it is not a regular file; UNAVAILABLE when it is there and cannot be opened (rights, too many open files, ...),
  // which may pass.
  absl::StatusOr<ModelFile> OpenFile(const std::string& name) const;
  // The whole of a file of at most `max_bytes`. INVALID_ARGUMENT beyond it.
  absl::StatusOr<std::string> ReadText(const std::string& name, std::int64_t max_bytes) const;

 private:
  ModelDirectory(std::string directory, std::string root, std::string shown);

  std::string directory_;  // as given
  std::string root_;       // canonical
  std::string shown_;
};

}  // namespace headscope::worker
