// Structured log lines on standard error: one line an event, as key=value or JSON.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace headscope {

enum class LogLevel { kInfo, kWarning, kError };
enum class LogFormat { kText, kJson };

// One key and its value. Values never hold the text of samples.
struct LogField {
  std::string key;
  std::string value;

  template <typename T>
  LogField(std::string_view name, const T& content) : key(name), value(absl::StrCat(content)) {}
  LogField(std::string_view name, std::string_view content) : key(name), value(content) {}
  LogField(std::string_view name, const std::string& content) : key(name), value(content) {}
  LogField(std::string_view name, const char* content) : key(name), value(content) {}
  // Code and message, without the details meant for programs.
  LogField(std::string_view name, const absl::Status& status)
      : key(name), value(status.ToString(absl::StatusToStringMode::kWithNoExtraData)) {}
};

// For the whole process; set once, before threads start.
void SetLogFormat(LogFormat format);

// Writes one line with one write(2). `message` is a constant phrase; what varies goes into the fields. Thread-safe.
void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});

// The line without its newline: control characters escaped, so that no value can forge a line.
std::string FormatLogLine(LogFormat format, absl::Time time, LogLevel level, std::string_view message,
                          std::initializer_list<LogField> fields);

}  // namespace headscope
