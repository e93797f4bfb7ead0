#include "proto/support/log.h"

#include <unistd.h>

#include <atomic>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"

namespace headscope {
namespace {

std::atomic<LogFormat> log_format{LogFormat::kText};

const char* NameOf(LogLevel level) {
  switch (level) {
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

// As a JSON string; the same escapes serve the text form.
std::string Quote(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      absl::StrAppendFormat(&quoted, "\\u%04x", static_cast<unsigned>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

bool IsPlainWord(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7F || c == '"' || c == '\\' || c == '=') return false;
  }
  return true;
}

}  // namespace

void SetLogFormat(LogFormat format) { log_format = format; }

std::string FormatLogLine(LogFormat format, absl::Time time, LogLevel level, std::string_view message,
                          std::initializer_list<LogField> fields) {
  const std::string stamp = absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
  if (format == LogFormat::kJson) {
    std::string line =
        absl::StrFormat(R"({"time":"%s","level":"%s","message":%s)", stamp, NameOf(level), Quote(message));
    for (const LogField& field : fields) absl::StrAppend(&line, ",", Quote(field.key), ":", Quote(field.value));
    return line + "}";
  }
  std::string line = absl::StrCat(stamp, " ", NameOf(level), " ", Quote(message));
  for (const LogField& field : fields) {
    absl::StrAppend(&line, " ", field.key, "=", IsPlainWord(field.value) ? field.value : Quote(field.value));
  }
  return line;
}

void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  const std::string line = FormatLogLine(log_format, absl::Now(), level, message, fields) + "\n";
  // A log that cannot be written must not stop the work.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace headscope
