// The room on the disk of the data folder: how much is left, from when on nothing new is taken, and a reserve for deletes.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace headscope::server {

struct DiskOptions {
  // Bytes below which submissions and uploads are refused; absent: the smaller of 2 GiB and 5 % of the disk.
  std::optional<std::uint64_t> low_water;
  // Bytes of the reserve, at most 1 % of the disk.
  std::uint64_t reserve = std::uint64_t{64} << 20;
};

// Bytes of a file system.
struct DiskRoom {
  std::uint64_t free = 0;
  std::uint64_t total = 0;
};

// Thread-safe.
class DiskSpace {
 public:
  // `look` tells the room; empty: statvfs of `directory`.
  DiskSpace(std::string directory, DiskOptions options, std::function<std::optional<DiskRoom>()> look = {});

  // Looks again, and makes the reserve where it is missing and there is room. Logs when the low-water mark is crossed.
  void Refresh();
  // OK above the low-water mark. RESOURCE_EXHAUSTED / DISK_FULL with both numbers below it: nothing new is taken, while
  // running work may end and deletes work. Looks at the disk at most once a second.
  absl::Status CheckRoom();
  // Gives the reserve up, so that a delete finds room. False: there was none.
  bool ReleaseReserve();

  std::uint64_t free_bytes() const;
  std::uint64_t low_water() const;
  bool has_reserve() const;

 private:
  void Look() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MakeReserve() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string ReservePath() const;
  // Bytes that the reserve is to have on this disk; 0: none.
  std::uint64_t ReserveSize() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::uint64_t LowWater() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string directory_;
  const DiskOptions options_;
  const std::function<std::optional<DiskRoom>()> look_;
  mutable absl::Mutex mutex_;
  DiskRoom room_ ABSL_GUARDED_BY(mutex_);
  absl::Time looked_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  bool has_reserve_ ABSL_GUARDED_BY(mutex_) = false;
  bool low_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace headscope::server
