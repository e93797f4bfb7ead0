#include "server/maintenance/data_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "proto/support/sha256.h"
#include "server/store/disk_error.h"
#include "server/store/sync_folder.h"

namespace headscope::server {
namespace {

namespace fs = std::filesystem;

std::uint64_t SizeOf(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

}  // namespace

std::string PathOfBlob(const std::string& directory, const std::string& blob) {
  return absl::StrCat(directory, "/blobs/", blob.substr(0, 2), "/", blob);
}

bool HasDatabase(const std::string& directory) { return SizeOf(absl::StrCat(directory, "/", kDatabaseFile)) > 0; }

bool Exists(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0;
}

absl::StatusOr<bool> HoldsBlobs(const std::string& directory) {
  std::error_code error;
  const fs::path root = fs::path(directory) / "blobs";
  if (!fs::exists(root, error)) return false;
  for (fs::recursive_directory_iterator file(root, error), end; !error && file != end; file.increment(error)) {
    if (!DigestFromHex(file->path().filename().string()).empty()) return true;
  }
  if (error) return FileError(error.value(), "read the blobs", directory);
  return false;
}

std::vector<std::string> ReferencedBlobs(sqlite::Database& db) {
  std::vector<std::string> blobs;
  sqlite::Rows rows = db.Query(
      "SELECT digest FROM dataset UNION SELECT blob FROM shard WHERE blob IS NOT NULL"
      " UNION SELECT blob FROM pattern WHERE blob IS NOT NULL ORDER BY 1");
  while (rows.Next()) blobs.push_back(rows.Text(0));
  return blobs;
}

absl::StatusOr<std::uint64_t> FreeBytes(const std::string& path) {
  struct statvfs disk {};
  if (statvfs(path.c_str(), &disk) != 0) return FileError(errno, "ask for the free space", path);
  return std::uint64_t{disk.f_bavail} * disk.f_frsize;
}

std::uint64_t DatabaseBytes(const std::string& directory) {
  const std::string path = absl::StrCat(directory, "/", kDatabaseFile);
  return SizeOf(path) + SizeOf(path + "-wal");
}

absl::Status ReplaceFile(const std::string& directory, const std::string& name, const std::string& content) {
  const std::string path = absl::StrCat(directory, "/", name);
  const std::string fresh = path + ".new";
  const int file = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return FileError(errno, absl::StrCat("make ", name), directory);
  const bool written = write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size()) &&
                       fchmod(file, 0600) == 0 && fsync(file) == 0;
  const int error = errno;
  close(file);
  if (!written || rename(fresh.c_str(), path.c_str()) != 0) {
    const absl::Status status = FileError(written ? errno : error, absl::StrCat("write ", name), directory);
    unlink(fresh.c_str());
    return status;
  }
  return SyncFolder(directory, directory);
}

absl::StatusOr<std::string> ReadWholeFile(const std::string& path, const std::string& directory) {
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file) return FileError(EIO, absl::StrCat("read ", fs::path(path).filename().string()), directory);
  return text;
}

}  // namespace headscope::server
