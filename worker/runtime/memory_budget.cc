#include "worker/runtime/memory_budget.h"

#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>

#include "absl/strings/str_format.h"

namespace headscope::worker {
namespace {

// The number at the start of a file; -1 when there is none ("max").
std::int64_t ReadNumber(const char* path) {
  std::ifstream file(path);
  std::int64_t value = -1;
  return file >> value ? value : -1;
}

}  // namespace

std::int64_t HostMemoryBytes() {
  struct sysinfo info = {};
  std::int64_t bytes = std::int64_t{4} << 30;
  if (::sysinfo(&info) == 0) bytes = static_cast<std::int64_t>(info.totalram) * info.mem_unit;
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    const std::int64_t limit = ReadNumber(path);
    if (limit > 0) bytes = std::min(bytes, limit);
  }
  return bytes;
}

std::int64_t DefaultMemoryBudget() { return HostMemoryBytes() / 5 * 3; }

std::int64_t ResidentSetBytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t total = 0;
  std::int64_t resident = 0;
  if (!(file >> total >> resident)) return 0;
  return resident * ::sysconf(_SC_PAGESIZE);
}

std::string FormatBytes(std::int64_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return unit == 0 ? absl::StrFormat("%d B", bytes) : absl::StrFormat("%.1f %s", value, kUnits[unit]);
}

}  // namespace headscope::worker
