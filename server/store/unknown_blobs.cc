#include "server/store/unknown_blobs.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "proto/support/sha256.h"
#include "server/store/disk_error.h"
#include "server/store/failpoint.h"
#include "server/store/sync_folder.h"

namespace headscope::server {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHarmlessUnknown = 10;
constexpr std::size_t kHarmlessShare = 100;

bool IsDigest(const std::string& name) { return !DigestFromHex(name).empty(); }

// One start's look at the folder of blobs.
class Reconciliation {
 public:
  Reconciliation(const std::string& directory, const QuarantineOptions& options, absl::Time now)
      : directory_(directory),
        root_(fs::path(directory) / "blobs"),
        quarantine_(root_ / "quarantine"),
        options_(options),
        now_(now) {}

  absl::StatusOr<ReconciledBlobs> Run(JobStore& store) {
    absl::StatusOr<std::vector<BlobRecord>> known = store.ListBlobs();
    if (!known.ok()) return known.status();
    known_ = *std::move(known);
    for (const auto step : {&Reconciliation::ReadNames, &Reconciliation::CheckUnknown, &Reconciliation::PutAside,
                            &Reconciliation::TakeBack, &Reconciliation::Expire}) {
      if (absl::Status status = (this->*step)(); !status.ok()) return status;
    }
    CountMissing();
    if (absl::Status measured = Measure(store); !measured.ok()) return measured;
    for (const BlobRecord& record : known_) result_.stored_bytes += static_cast<std::uint64_t>(record.size);
    return result_;
  }

 private:
  fs::path PlaceOf(const std::string& blob) const { return root_ / blob.substr(0, 2) / blob; }

  std::vector<BlobRecord>::iterator Find(const std::string& blob) {
    const auto place = std::lower_bound(known_.begin(), known_.end(), blob,
                                        [](const BlobRecord& record, const std::string& name) { return record.blob < name; });
    return place != known_.end() && place->blob == blob ? place : known_.end();
  }

  absl::Status FolderError(const std::error_code& error, const char* what) const {
    return FileError(error.value(), what, directory_);
  }

  absl::Status ReadNames() {
    std::error_code error;
    if (!fs::exists(root_, error)) return absl::OkStatus();
    for (fs::directory_iterator folder(root_, error), end; !error && folder != end; folder.increment(error)) {
      if (folder->path().filename().string().size() != 2) continue;
      std::error_code inner;
      for (fs::directory_iterator file(folder->path(), inner); !inner && file != end; file.increment(inner)) {
        const std::string name = file->path().filename().string();
        if (IsDigest(name)) present_.push_back(name);
      }
      if (inner) return FolderError(inner, "read the blobs");
    }
    if (error) return FolderError(error, "read the blobs");
    std::sort(present_.begin(), present_.end());
    return absl::OkStatus();
  }

  absl::Status CheckUnknown() {
    for (const std::string& name : present_) {
      if (Find(name) == known_.end()) unknown_.push_back(name);
    }
    if (options_.any_number || unknown_.size() <= kHarmlessUnknown ||
        unknown_.size() * kHarmlessShare <= present_.size()) {
      return absl::OkStatus();
    }
    return MakeError(
        absl::StatusCode::kFailedPrecondition,
        absl::StrCat(unknown_.size(), " of ", present_.size(), " files of results and datasets are unknown to the database, more than 1 % and more than ",
                     kHarmlessUnknown, ": it looks like that of another time or place. Put the right headscope.sqlite into the data folder, or start with "
                     "--quarantine-unknown-blobs, which puts them aside in blobs/quarantine"),
        "UNKNOWN_BLOBS");
  }

  absl::Status PutAside() {
    if (unknown_.empty()) return absl::OkStatus();
    const fs::path folder = quarantine_ / absl::FormatTime("%Y-%m-%d", now_, absl::UTCTimeZone());
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) return FolderError(error, "make the quarantine");
    for (const std::string& name : unknown_) {
      Failpoint("quarantine.before_move");
      fs::rename(PlaceOf(name), folder / name, error);
      if (error) return FolderError(error, "put a blob into quarantine");
      ++result_.quarantined;
    }
    return SyncFolder(folder.string(), directory_);
  }

  // Calls visit(folder, day) for every folder of the quarantine.
  template <typename Visit>
  absl::Status ForEachDay(const Visit& visit) {
    std::error_code error;
    if (!fs::exists(quarantine_, error)) return absl::OkStatus();
    std::vector<fs::path> folders;
    for (fs::directory_iterator folder(quarantine_, error), end; !error && folder != end; folder.increment(error)) {
      folders.push_back(folder->path());
    }
    if (error) return FolderError(error, "read the quarantine");
    for (const fs::path& folder : folders) {
      absl::Time day;
      std::string fault;
      if (!absl::ParseTime("%Y-%m-%d", folder.filename().string(), absl::UTCTimeZone(), &day, &fault)) continue;
      if (absl::Status visited = visit(folder, day); !visited.ok()) return visited;
    }
    return absl::OkStatus();
  }

  absl::Status TakeBack() {
    return ForEachDay([this](const fs::path& folder, absl::Time) {
      std::vector<std::string> wanted;
      std::error_code error;
      for (fs::directory_iterator file(folder, error), end; !error && file != end; file.increment(error)) {
        const std::string name = file->path().filename().string();
        const bool present = std::binary_search(present_.begin(), present_.end(), name);
        const auto record = Find(name);
        if (record != known_.end() && record->live && !present) wanted.push_back(name);
      }
      if (error) return FolderError(error, "read the quarantine");
      for (const std::string& name : wanted) {
        fs::create_directories(PlaceOf(name).parent_path(), error);
        if (!error) fs::rename(folder / name, PlaceOf(name), error);
        if (error) return FolderError(error, "take a blob back from quarantine");
        if (absl::Status synced = SyncFolder(PlaceOf(name).parent_path().string(), directory_); !synced.ok()) return synced;
        present_.insert(std::upper_bound(present_.begin(), present_.end(), name), name);
        ++result_.taken_back;
      }
      return absl::OkStatus();
    });
  }

  absl::Status Expire() {
    return ForEachDay([this](const fs::path& folder, absl::Time day) {
      // A folder's files came in the course of its day.
      if (day + absl::Hours(24) + options_.keep > now_) return absl::OkStatus();
      std::error_code error;
      const std::uintmax_t removed = fs::remove_all(folder, error);
      if (error) return FolderError(error, "empty the quarantine");
      result_.expired += removed - 1;
      return absl::OkStatus();
    });
  }

  void CountMissing() {
    for (const BlobRecord& record : known_) {
      if (record.live && !std::binary_search(present_.begin(), present_.end(), record.blob)) ++result_.missing;
    }
  }

  // Sizes that a former version did not keep.
  absl::Status Measure(JobStore& store) {
    std::vector<BlobRecord> measured;
    for (BlobRecord& record : known_) {
      if (record.size >= 0) continue;
      std::error_code error;
      const std::uintmax_t size = fs::file_size(PlaceOf(record.blob), error);
      record.size = error ? 0 : static_cast<std::int64_t>(size);
      measured.push_back(record);
    }
    return measured.empty() ? absl::OkStatus() : store.SetBlobSizes(measured);
  }

  const std::string directory_;
  const fs::path root_;
  const fs::path quarantine_;
  const QuarantineOptions options_;
  const absl::Time now_;
  // Ascending by name, both.
  std::vector<BlobRecord> known_;
  std::vector<std::string> present_;
  std::vector<std::string> unknown_;
  ReconciledBlobs result_;
};

}  // namespace

absl::StatusOr<ReconciledBlobs> ReconcileBlobs(const std::string& directory, JobStore& store,
                                               const QuarantineOptions& options, absl::Time now) {
  return Reconciliation(directory, options, now).Run(store);
}

}  // namespace headscope::server
