// Numbers and times as people read them, and as programs do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"

namespace headscope::cli {

// The shortest text that reads back as exactly this number: "0.1", "1e-20", "nan".
std::string ExactNumber(double value);
// Four significant digits: "0.2935", "1.235e-05".
std::string ShortNumber(double value);
// A table's cell: short for people, exact for programs (CSV). What is not defined is "-" for people, "" for programs.
std::string NumberCell(const std::optional<double>& value, bool exact);
// "1 sample", "2 samples".
std::string Count(std::uint64_t count, const std::string& noun);
// "1.5 KiB", "124 MiB".
std::string ShortBytes(std::uint64_t bytes);
// "4 s", "2 min 03 s", "1 h 05 min".
std::string ShortDuration(absl::Duration duration);
// "118 tokens/s".
std::string TokenRate(double tokens_per_second);
// RFC 3339 in UTC; "" when absent.
std::string UtcTime(const std::optional<absl::Time>& time);

}  // namespace headscope::cli
