#include "client/cli/numbers.h"

#include <cmath>

#include <array>
#include <charconv>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace headscope::cli {

std::string ExactNumber(double value) {
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value);
  return std::string(text.data(), end.ptr);
}

std::string ShortNumber(double value) { return absl::StrFormat("%.4g", value); }

std::string NumberCell(const std::optional<double>& value, bool exact) {
  if (!value || std::isnan(*value)) return exact ? "" : "-";
  return exact ? ExactNumber(*value) : ShortNumber(*value);
}

std::string Count(std::uint64_t count, const std::string& noun) {
  return absl::StrCat(count, " ", noun, count == 1 ? "" : "s");
}

std::string ShortBytes(std::uint64_t bytes) {
  if (bytes < 1024) return absl::StrCat(bytes, " B");
  double value = static_cast<double>(bytes);
  const char* unit = "";
  for (const char* next : {"KiB", "MiB", "GiB", "TiB"}) {
    if (value < 1024) break;
    value /= 1024;
    unit = next;
  }
  return value < 10 ? absl::StrFormat("%.1f %s", value, unit) : absl::StrFormat("%.0f %s", value, unit);
}

std::string ShortDuration(absl::Duration duration) {
  if (duration == absl::InfiniteDuration()) return "unknown";
  const std::int64_t seconds = absl::ToInt64Seconds(absl::Ceil(duration, absl::Seconds(1)));
  if (seconds < 60) return absl::StrFormat("%d s", seconds);
  if (seconds < 3600) return absl::StrFormat("%d min %02d s", seconds / 60, seconds % 60);
  return absl::StrFormat("%d h %02d min", seconds / 3600, seconds % 3600 / 60);
}

std::string TokenRate(double tokens_per_second) {
  return tokens_per_second < 10 ? absl::StrFormat("%.1f tokens/s", tokens_per_second)
                                : absl::StrFormat("%.0f tokens/s", tokens_per_second);
}

std::string UtcTime(const std::optional<absl::Time>& time) {
  if (!time) return "";
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", *time, absl::UTCTimeZone());
}

}  // namespace headscope::cli
