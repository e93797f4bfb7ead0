// Rows of text, aligned for people or as CSV.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace headscope::cli {

class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header);

  // As many cells as the header has.
  void AddRow(std::vector<std::string> cells);

  // Columns of numbers are aligned to the right. Control characters become "?": what a server sends does not command
  // the terminal.
  void PrintAligned(std::ostream& out) const;
  // RFC 4180 with "\n" as line end.
  void PrintCsv(std::ostream& out) const;

 private:
  // The header first.
  std::vector<std::vector<std::string>> rows_;
};

// The text with control characters replaced by "?".
std::string Printable(const std::string& text);
// Columns that UTF-8 text takes, one per code point.
std::size_t DisplayWidth(const std::string& text);

}  // namespace headscope::cli
