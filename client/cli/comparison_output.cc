#include "client/cli/comparison_output.h"

#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/analysis_json.h"
#include "client/cli/numbers.h"
#include "client/cli/text_table.h"

namespace headscope::cli {
namespace {

TextTable Square(const client::Matrix& matrix) {
  std::vector<std::string> header = {""};
  for (std::size_t i = 0; i < matrix.columns; ++i) header.push_back(absl::StrCat("[", i, "]"));
  TextTable table(header);
  for (std::size_t row = 0; row < matrix.rows; ++row) {
    std::vector<std::string> cells = {absl::StrCat("[", row, "]")};
    for (std::size_t column = 0; column < matrix.columns; ++column) {
      cells.push_back(NumberCell(matrix.At(row, column), false));
    }
    table.AddRow(std::move(cells));
  }
  return table;
}

}  // namespace

void PrintMatrices(std::ostream& out, const client::Comparison& comparison, const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < names.size(); ++i) out << "[" << i << "] " << Printable(names[i]) << "\n";
  for (const auto& [key, matrices] : comparison.measures) {
    out << "\n" << KeyOf(key.first) << (key.second ? ", layer means removed" : "") << ":\n";
    Square(matrices.values).PrintAligned(out);
  }
}

}  // namespace headscope::cli
