#include "server/store/disk_space.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "proto/support/error.h"
#include "proto/support/log.h"

namespace headscope::server {
namespace {

constexpr std::uint64_t kLargestLowWater = std::uint64_t{2} << 30;
constexpr absl::Duration kBetweenLooks = absl::Seconds(1);

std::optional<DiskRoom> LookAt(const std::string& directory) {
  struct statvfs found {};
  if (statvfs(directory.c_str(), &found) != 0) return std::nullopt;
  return DiskRoom{std::uint64_t{found.f_bavail} * found.f_frsize, std::uint64_t{found.f_blocks} * found.f_frsize};
}

std::string MiB(std::uint64_t bytes) { return absl::StrCat(bytes >> 20, " MiB"); }

}  // namespace

DiskSpace::DiskSpace(std::string directory, DiskOptions options, std::function<std::optional<DiskRoom>()> look)
    : directory_(std::move(directory)),
      options_(options),
      look_(look ? std::move(look) : [this] { return LookAt(directory_); }) {
  absl::MutexLock lock(&mutex_);
  Look();
  struct stat found {};
  if (stat(ReservePath().c_str(), &found) != 0) return;
  // One that a crash cut short, or of another size than wanted now, is made anew.
  constexpr std::uint64_t kBlockBytes = 512;
  has_reserve_ = static_cast<std::uint64_t>(found.st_size) == ReserveSize() &&
                 static_cast<std::uint64_t>(found.st_blocks) * kBlockBytes >= ReserveSize();
  if (!has_reserve_) unlink(ReservePath().c_str());
}

std::string DiskSpace::ReservePath() const { return absl::StrCat(directory_, "/reserve"); }

std::uint64_t DiskSpace::LowWater() const {
  return options_.low_water.value_or(std::min(kLargestLowWater, room_.total / 20));
}

void DiskSpace::Look() {
  looked_ = absl::Now();
  const std::optional<DiskRoom> room = look_();
  // A disk that cannot be asked is not called full.
  if (!room) return;
  room_ = *room;
  const bool low = room_.free < LowWater();
  if (low == std::exchange(low_, low)) return;
  if (low) {
    Log(LogLevel::kWarning, "little room is left on the disk: submissions and uploads are refused, deletes work",
        {{"free_bytes", room_.free}, {"low_water_bytes", LowWater()}});
  } else {
    Log(LogLevel::kInfo, "there is room on the disk again", {{"free_bytes", room_.free}, {"low_water_bytes", LowWater()}});
  }
}

std::uint64_t DiskSpace::ReserveSize() const { return std::min(options_.reserve, room_.total / 100); }

void DiskSpace::MakeReserve() {
  const std::uint64_t size = ReserveSize();
  if (has_reserve_ || size == 0 || room_.free < std::max(LowWater(), 2 * size)) return;
  const int fd = open(ReservePath().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return;
  has_reserve_ = posix_fallocate(fd, 0, static_cast<off_t>(size)) == 0 && fsync(fd) == 0;
  close(fd);
  if (!has_reserve_) unlink(ReservePath().c_str());
}

void DiskSpace::Refresh() {
  absl::MutexLock lock(&mutex_);
  Look();
  MakeReserve();
}

absl::Status DiskSpace::CheckRoom() {
  absl::MutexLock lock(&mutex_);
  if (absl::Now() - looked_ >= kBetweenLooks) Look();
  if (!low_) return absl::OkStatus();
  return MakeError(absl::StatusCode::kResourceExhausted,
                   absl::StrCat("the server's disk has ", MiB(room_.free), " left, below ", MiB(LowWater()),
                                " nothing new is taken; free some, for example by deleting jobs, or try again later"),
                   ErrorDetails{"DISK_FULL", {}, absl::Seconds(30)});
}

bool DiskSpace::ReleaseReserve() {
  absl::MutexLock lock(&mutex_);
  if (!std::exchange(has_reserve_, false)) return false;
  if (unlink(ReservePath().c_str()) != 0) return false;
  Log(LogLevel::kWarning, "the disk is full: the reserve is given up, so that what frees room can be done");
  return true;
}

std::uint64_t DiskSpace::free_bytes() const {
  absl::MutexLock lock(&mutex_);
  return room_.free;
}
std::uint64_t DiskSpace::low_water() const {
  absl::MutexLock lock(&mutex_);
  return LowWater();
}
bool DiskSpace::has_reserve() const {
  absl::MutexLock lock(&mutex_);
  return has_reserve_;
}

}  // namespace headscope::server
