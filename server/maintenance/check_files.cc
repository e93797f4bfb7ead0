#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/support/sha256.h"
#include "server/maintenance/check_steps.h"
#include "server/maintenance/data_files.h"
#include "server/store/disk_error.h"

namespace headscope::server {
namespace {

namespace fs = std::filesystem;
using sqlite::Database;

// A blob that the database knows, and whether it refers to it.
struct Known {
  std::string blob;
  // Absent: not measured, or not recorded at all.
  std::optional<std::int64_t> size;
  bool referenced = false;
  bool recorded = false;
};

bool HasBlobTable(Database& db) {
  sqlite::Rows rows = db.Query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'blob'");
  return rows.Next();
}

// In order of their names.
std::vector<Known> KnownBlobs(Database& db) {
  std::vector<Known> known;
  for (std::string& blob : ReferencedBlobs(db)) known.push_back({std::move(blob), std::nullopt, true, false});
  if (!HasBlobTable(db)) return known;
  const std::size_t referenced = known.size();
  sqlite::Rows rows = db.Query("SELECT digest, size FROM blob ORDER BY digest");
  for (std::size_t next = 0; rows.Next();) {
    std::string blob = rows.Text(0);
    while (next < referenced && known[next].blob < blob) ++next;
    const bool is_referenced = next < referenced && known[next].blob == blob;
    Known& row = is_referenced ? known[next] : known.emplace_back(Known{std::move(blob), {}, false, false});
    row.recorded = true;
    if (rows.Int(1) >= 0) row.size = rows.Int(1);
  }
  std::sort(known.begin(), known.end(), [](const Known& a, const Known& b) { return a.blob < b.blob; });
  return known;
}

const Known* Find(const std::vector<Known>& known, const std::string& blob) {
  const auto place = std::lower_bound(known.begin(), known.end(), blob,
                                      [](const Known& row, const std::string& name) { return row.blob < name; });
  return place != known.end() && place->blob == blob ? &*place : nullptr;
}

// Size and digest of a file; no digest: it cannot be read. Absent: it is not there.
struct Content {
  std::int64_t size = 0;
  std::string digest;
};

std::optional<Content> ReadContent(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 && errno == ENOENT) return std::nullopt;
  Content content;
  if (file < 0) return content;
  Sha256 hash;
  std::string buffer(1 << 18, '\0');
  ssize_t got = 0;
  while ((got = read(file, buffer.data(), buffer.size())) > 0) {
    hash.Update(std::string_view(buffer.data(), static_cast<std::size_t>(got)));
    content.size += got;
  }
  close(file);
  if (got == 0) content.digest = ToHex(hash.Finish());
  return content;
}

std::optional<Fault> FaultOf(const std::string& directory, const Known& known, std::int64_t& bytes) {
  const std::optional<Content> content = ReadContent(PathOfBlob(directory, known.blob));
  if (!content) return Fault{"BLOB_MISSING", known.blob, "the database refers to it, and there is no file"};
  bytes += content->size;
  if (known.size && *known.size != content->size) {
    return Fault{"BLOB_SIZE", known.blob,
                 absl::StrCat("its file has ", content->size, " bytes, the database says ", *known.size)};
  }
  if (content->digest != known.blob) {
    return Fault{"BLOB_DAMAGED", known.blob,
                 content->digest.empty() ? std::string("its file cannot be read")
                                         : absl::StrCat("the SHA-256 of its file is ", content->digest)};
  }
  return std::nullopt;
}

// What a server and these commands put into a data folder; "lost+found" is the file system's.
bool IsOurs(const std::string& name) {
  for (const char* known : {"lock", "blobs", kStoreFile, "store.json.new", kUnfinishedDatabase, "reserve", "lost+found",
                            "migrate-dry-run"}) {
    if (name == known) return true;
  }
  if (!absl::StartsWith(name, kDatabaseFile)) return absl::StartsWith(name, ".nfs");
  const std::string rest = name.substr(std::string(kDatabaseFile).size());
  return rest.empty() || rest == "-wal" || rest == "-shm" || rest == "-journal" || absl::StartsWith(rest, ".schema-");
}

// Paths, from the data folder, of files that are not where a server puts any, and blobs' names. Files that go meanwhile
// are passed over.
std::vector<std::string> StrangeFiles(const std::string& directory, std::vector<std::string>& blobs) {
  std::vector<std::string> strange;
  std::error_code error;
  for (fs::directory_iterator file(directory, error), end; !error && file != end; file.increment(error)) {
    if (!IsOurs(file->path().filename().string())) strange.push_back(file->path().filename().string());
  }
  const fs::path root = fs::path(directory) / "blobs";
  for (fs::directory_iterator folder(root, error), end; !error && folder != end; folder.increment(error)) {
    const std::string name = folder->path().filename().string();
    if (name == "unfinished" || name == "quarantine") continue;
    std::error_code inner;
    for (fs::directory_iterator file(folder->path(), inner); !inner && file != end; file.increment(inner)) {
      const std::string blob = file->path().filename().string();
      const bool in_place = !DigestFromHex(blob).empty() && blob.substr(0, 2) == name;
      in_place ? blobs.push_back(blob) : strange.push_back(absl::StrCat("blobs/", name, "/", blob));
    }
    if (inner) strange.push_back(absl::StrCat("blobs/", name));
  }
  return strange;
}

}  // namespace

absl::Status CheckFiles(const std::string& directory, Database& db, const CheckProgress& progress, CheckReport& report) {
  // Names first: what has one by now was announced to the database before.
  std::vector<std::string> present;
  for (std::string& path : StrangeFiles(directory, present)) {
    report.faults.push_back({"UNKNOWN_FILE", std::move(path), "no server put it there"});
  }
  const std::vector<Known> known = KnownBlobs(db);
  if (absl::Status error = db.TakeError(); !error.ok()) return error;
  const bool records = HasBlobTable(db);
  std::vector<Fault> suspected;
  for (const std::string& blob : present) {
    if (Find(known, blob) == nullptr) {
      suspected.push_back({"UNKNOWN_FILE", PathOfBlob("", blob).substr(1), "the database knows no such blob"});
    }
  }
  std::int64_t bytes = 0;
  std::uint64_t done = 0;
  for (const Known& row : known) {
    if (!row.referenced) continue;
    if (records && !row.recorded) {
      report.faults.push_back({"BLOB_UNRECORDED", row.blob, "rows refer to it that the table of blobs does not have"});
    }
    if (std::optional<Fault> fault = FaultOf(directory, row, bytes)) suspected.push_back(*std::move(fault));
    if (++done % 256 == 0) progress("blobs", done, known.size());
  }
  report.checked["blobs"] = static_cast<std::int64_t>(done);
  report.checked["bytes"] = bytes;
  if (suspected.empty()) return absl::OkStatus();
  // Looked at again: a server may have been removing it, or making it.
  const std::vector<Known> now = KnownBlobs(db);
  if (absl::Status error = db.TakeError(); !error.ok()) return error;
  for (Fault& fault : suspected) {
    const bool unknown = fault.kind == "UNKNOWN_FILE";
    const std::string blob = unknown ? fault.object.substr(fault.object.rfind('/') + 1) : fault.object;
    const Known* const row = Find(now, blob);
    std::int64_t ignored = 0;
    if (unknown ? row == nullptr && Exists(PathOfBlob(directory, blob))
                : row != nullptr && row->referenced && FaultOf(directory, *row, ignored)) {
      report.faults.push_back(std::move(fault));
    }
  }
  return absl::OkStatus();
}

}  // namespace headscope::server
