#include "client/headscope/rows.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/headscope/row_parser.h"
#include "proto/support/limits.h"

namespace headscope::client {
namespace {

// JSON escapes make text at most six times longer; no row that a server takes is longer than this.
constexpr std::size_t kMaxLineBytes = std::size_t{16} << 20;

enum class Line { kEnd, kRead, kTooLong };

// The next line without its end. A longer line than kMaxLineBytes is skipped without being kept.
Line ReadLine(std::istream& input, std::string& text) {
  text.clear();
  std::streambuf& bytes = *input.rdbuf();
  constexpr int kEof = std::char_traits<char>::eof();
  int byte = bytes.sbumpc();
  if (byte == kEof) return Line::kEnd;
  bool too_long = false;
  for (; byte != kEof && byte != '\n'; byte = bytes.sbumpc()) {
    if (text.size() < kMaxLineBytes) {
      text += static_cast<char>(byte);
    } else {
      too_long = true;
    }
  }
  return too_long ? Line::kTooLong : Line::kRead;
}

bool IsBlank(const std::string& text) { return text.find_first_not_of(" \t\r") == std::string::npos; }

// Faults that only show between rows.
class AcrossRows {
 public:
  void Check(const ParsedRow& row, std::uint64_t line, std::vector<RowFault>& faults) {
    if (row.kind) CheckKind(*row.kind, line, faults);
    // A longer id is a fault by itself.
    if (!row.sample.id.empty() && row.sample.id.size() <= kMaxSampleIdBytes) CheckId(row, line, faults);
  }

 private:
  void CheckKind(RowKind kind, std::uint64_t line, std::vector<RowFault>& faults) {
    if (!kind_) {
      kind_ = kind;
      kind_line_ = line;
    } else if (*kind_ != kind) {
      faults.push_back({line, absl::StrCat("a row of kind ", NameOf(kind), ", but line ", kind_line_, " is of kind ",
                                           NameOf(*kind_), "; all rows of a file are of one kind")});
    }
  }

  void CheckId(const ParsedRow& row, std::uint64_t line, std::vector<RowFault>& faults) {
    const auto [first, added] = lines_.try_emplace(row.sample.id, line);
    if (added) return;
    faults.push_back({line, absl::StrCat("id \"", row.sample.id, "\"", row.has_id ? "" : " (the line's number)",
                                         " is already used on line ", first->second)});
  }

  std::optional<RowKind> kind_;
  std::uint64_t kind_line_ = 0;
  // First line of every id.
  std::unordered_map<std::string, std::uint64_t> lines_;
};

}  // namespace

struct RowReader::Row {
  std::uint64_t line = 0;
  ParsedRow parsed;
};

absl::StatusOr<std::unique_ptr<RowReader>> RowReader::Open(const std::string& path, std::uint64_t limit) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": a directory, wanted a file of JSON Lines"));
  }
  auto file = std::make_unique<std::ifstream>(path, std::ios::binary);
  if (!*file) {
    const std::string why = absl::StrCat(path, ": ", std::strerror(errno));
    return errno == EACCES ? absl::PermissionDeniedError(why) : absl::NotFoundError(why);
  }
  return std::make_unique<RowReader>(std::move(file), path, limit);
}

RowReader::RowReader(std::unique_ptr<std::istream> input, std::string name, std::uint64_t limit)
    : input_(std::move(input)), name_(std::move(name)), limit_(limit) {}

std::optional<RowReader::Row> RowReader::ReadRow() {
  std::string text;
  while (rows_ < limit_) {
    const Line read = ReadLine(*input_, text);
    if (read == Line::kEnd) break;
    ++line_;
    if (read == Line::kRead && IsBlank(text)) continue;
    ++rows_;
    Row row{line_, {}};
    if (read == Line::kTooLong) {
      row.parsed.faults.push_back(absl::StrCat("longer than ", kMaxLineBytes, " bytes"));
    } else {
      row.parsed = ParseRow(text, line_);
    }
    return row;
  }
  return std::nullopt;
}

RowReport RowReader::Check() {
  RowReport report;
  AcrossRows across;
  if (const absl::Status status = Rewind(); !status.ok()) {
    report.faults.push_back({0, std::string(status.message())});
    return report;
  }
  while (const std::optional<Row> row = ReadRow()) {
    report.lines.push_back(row->line);
    for (const std::string& fault : row->parsed.faults) report.faults.push_back({row->line, fault});
    across.Check(row->parsed, row->line, report.faults);
  }
  if (report.lines.empty()) report.faults.push_back({0, "no rows"});
  return report;
}

absl::Status RowReader::Rewind() {
  input_->clear();
  input_->seekg(0);
  line_ = 0;
  rows_ = 0;
  if (*input_) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(name_, ": cannot be read from its beginning"));
}

absl::StatusOr<std::optional<Sample>> RowReader::Next() {
  std::optional<Row> row = ReadRow();
  if (!row) return std::optional<Sample>();
  if (!row->parsed.faults.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(name_, ":", row->line, ": ", row->parsed.faults.front()));
  }
  return std::optional<Sample>(std::move(row->parsed.sample));
}

}  // namespace headscope::client
