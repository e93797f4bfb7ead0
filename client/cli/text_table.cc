#include "client/cli/text_table.h"

#include <algorithm>
#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace headscope::cli {
namespace {

bool IsNumber(const std::string& text) {
  if (text.empty() || text == "-") return true;
  return text.find_first_not_of("0123456789.+-e") == std::string::npos &&
         text.find_first_of("0123456789") != std::string::npos;
}

struct Column {
  std::size_t width = 0;
  bool right = true;
};

std::string CsvCell(const std::string& cell) {
  if (cell.find_first_of(",\"\r\n") == std::string::npos) return cell;
  return absl::StrCat("\"", absl::StrReplaceAll(cell, {{"\"", "\"\""}}), "\"");
}

}  // namespace

TextTable::TextTable(std::vector<std::string> header) { rows_.push_back(std::move(header)); }

void TextTable::AddRow(std::vector<std::string> cells) {
  cells.resize(rows_.front().size());
  rows_.push_back(std::move(cells));
}

void TextTable::PrintAligned(std::ostream& out) const {
  std::vector<Column> columns(rows_.front().size());
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      columns[i].width = std::max(columns[i].width, DisplayWidth(rows_[row][i]));
      if (row > 0 && !IsNumber(rows_[row][i])) columns[i].right = false;
    }
  }
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string padding(columns[i].width - DisplayWidth(row[i]), ' ');
      if (i > 0) line += "  ";
      line += columns[i].right ? padding + Printable(row[i]) : Printable(row[i]) + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << "\n";
  }
}

void TextTable::PrintCsv(std::ostream& out) const {
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) out << (i > 0 ? "," : "") << CsvCell(row[i]);
    out << "\n";
  }
}

std::string Printable(const std::string& text) {
  std::string printable = text;
  for (char& byte : printable) {
    if (static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f) byte = '?';
  }
  return printable;
}

std::size_t DisplayWidth(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }));
}

}  // namespace headscope::cli
