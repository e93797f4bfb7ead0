// The files of one model directory, opened beneath a root and nowhere else.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace headscope::worker {

// An open regular file. Reading copies: a file that shrinks meanwhile gives an error, never a signal. Move-only.
class ModelFile {
 public:
  ModelFile(int descriptor, std::string path, std::int64_t size_bytes);
  ~ModelFile();
  ModelFile(ModelFile&& other) noexcept;
  ModelFile& operator=(ModelFile&&) = delete;

  const std::string& path() const { return path_; }
  // When it was opened.
  std::int64_t size_bytes() const { return size_bytes_; }
  // Copies [offset, offset + length) to `destination`. DATA_LOSS when the file has become shorter or cannot be read.
  absl::Status Read(std::int64_t offset, std::int64_t length, void* destination) const;
  // OK while the file is as long as it was when opened; DATA_LOSS otherwise.
  absl::Status CheckSize() const;

 private:
  int descriptor_;
  std::string path_;
  std::int64_t size_bytes_;
};

// Immutable: thread-safe.
class ModelDirectory {
 public:
  // `directory` beneath `root`; an empty root means the directory itself. Symbolic links are followed as long as they
  // stay beneath the root (so do model caches link files to blobs). NOT_FOUND when there is no such directory.
  static absl::StatusOr<ModelDirectory> Open(const std::string& directory, const std::string& root);

  const std::string& path() const { return directory_; }
  bool Contains(const std::string& name) const;
  // Opens `name`, a plain file name. NOT_FOUND; PERMISSION_DENIED when it leads out of the root; INVALID_ARGUMENT when
  // it is not a regular file.
  absl::StatusOr<ModelFile> OpenFile(const std::string& name) const;
  // The whole of a file of at most `max_bytes`. INVALID_ARGUMENT beyond it.
  absl::StatusOr<std::string> ReadText(const std::string& name, std::int64_t max_bytes) const;

 private:
  ModelDirectory(std::string directory, std::string root);

  std::string directory_;  // as given
  std::string root_;       // canonical
};

}  // namespace headscope::worker
