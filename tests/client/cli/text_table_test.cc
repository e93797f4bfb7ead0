#include "client/cli/text_table.h"

#include <gtest/gtest.h>

#include <sstream>

namespace headscope::cli {
namespace {

std::string Aligned(const TextTable& table) {
  std::ostringstream out;
  table.PrintAligned(out);
  return out.str();
}

std::string Csv(const TextTable& table) {
  std::ostringstream out;
  table.PrintCsv(out);
  return out.str();
}

TEST(TextTableTest, AlignsTextLeftAndNumbersRight) {
  TextTable table({"name", "count"});
  table.AddRow({"a", "1"});
  table.AddRow({"longer", "1000"});

  EXPECT_EQ(Aligned(table),
            "name    count\n"
            "a           1\n"
            "longer   1000\n");
}

TEST(TextTableTest, CountsColumnsNotBytes) {
  TextTable table({"name", "x"});
  table.AddRow({"é", "y"});

  EXPECT_EQ(Aligned(table),
            "name  x\n"
            "é     y\n");
}

TEST(TextTableTest, KeepsControlCharactersFromTheTerminal) {
  TextTable table({"name"});
  table.AddRow({"\x1b[31mred\n"});

  EXPECT_EQ(Aligned(table), "name\n?[31mred?\n");
}

TEST(TextTableTest, QuotesCsvCellsThatNeedIt) {
  TextTable table({"a", "b"});
  table.AddRow({"x,y", "say \"hi\""});

  EXPECT_EQ(Csv(table), "a,b\n\"x,y\",\"say \"\"hi\"\"\"\n");
}

}  // namespace
}  // namespace headscope::cli
