#include "client/cli/output_file.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "client/cli/exit_status.h"
#include "tests/client/cli/cli_fixture.h"

namespace headscope::cli {
namespace {

class OutputFileTest : public CliTest {};

TEST_F(OutputFileTest, ReplacesTheFileAndLeavesNothingBeside) {
  const std::string path = Write("a.json", "old");

  ASSERT_TRUE(CheckWritable(path).ok());
  ASSERT_TRUE(WriteFile(path, "new").ok());

  EXPECT_EQ(Read(path), "new");
  const auto files = std::filesystem::directory_iterator(std::filesystem::path(path).parent_path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST_F(OutputFileTest, FindsWhatCannotBeWrittenBeforehand) {
  EXPECT_FALSE(CheckWritable(Path("nosuch/a.json")).ok());
  EXPECT_FALSE(CheckWritable(std::filesystem::path(Path("a")).parent_path()).ok());
  EXPECT_FALSE(WriteFile(Path("nosuch/a.json"), "x").ok());
}

TEST_F(OutputFileTest, WritesDevicesDirectly) { EXPECT_TRUE(WriteFile("/dev/null", "x").ok()); }

TEST_F(OutputFileTest, ReportsAFullDisk) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "this system has no /dev/full";

  EXPECT_EQ(ExitStatusOf(WriteFile("/dev/full", "x")), kFailed);
}

}  // namespace
}  // namespace headscope::cli
