#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "server/store/sqlite_store.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/temporary_directory.h"

namespace headscope::server {
namespace {

using absl::StatusCode;
using ::testing::HasSubstr;

TEST(DataDirectoryTest, IsMadeForItsOwnerOnly) {
  TemporaryDirectory parent;
  const auto directory = DataDirectory::Lock(parent.Child("a/b"));
  ASSERT_THAT(directory, IsOk());
  EXPECT_EQ((*directory)->path(), parent.Child("a/b"));
  struct stat status {};
  ASSERT_EQ(stat(parent.Child("a/b").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700);
}

TEST(DataDirectoryTest, OneThatIsOpenToOthersIsClosed) {
  TemporaryDirectory parent;
  std::filesystem::create_directories(parent.Child("data"));
  ASSERT_EQ(chmod(parent.Child("data").c_str(), 0755), 0);
  ASSERT_THAT(DataDirectory::Lock(parent.Child("data")), IsOk());
  struct stat status {};
  ASSERT_EQ(stat(parent.Child("data").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700);
}

TEST(DataDirectoryTest, ASecondUserIsToldWhoHoldsIt) {
  TemporaryDirectory parent;
  auto first = DataDirectory::Lock(parent.Child("data"));
  ASSERT_THAT(first, IsOk());
  const auto second = DataDirectory::Lock(parent.Child("data"));
  ASSERT_THAT(second, IsError(StatusCode::kFailedPrecondition, "DATA_DIRECTORY_IN_USE"));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(absl::StrCat("process ", getpid())));
  first->reset();
  EXPECT_THAT(DataDirectory::Lock(parent.Child("data")), IsOk());
}

TEST(DataDirectoryTest, AnOldProcessNumberInTheFileDoesNotMatter) {
  TemporaryDirectory parent;
  std::ofstream(parent.Child("lock")) << "123456789012345678901234567890\n";
  const auto first = DataDirectory::Lock(parent.path());
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(std::string(DataDirectory::Lock(parent.path()).status().message()),
              HasSubstr(absl::StrCat("process ", getpid(), ";")));
}

TEST(DataDirectoryTest, APathThatCannotBeAFolderIsAnError) {
  TemporaryDirectory parent;
  std::ofstream(parent.Child("file")) << "x";
  EXPECT_FALSE(DataDirectory::Lock(parent.Child("file/data")).ok());
}

}  // namespace
}  // namespace headscope::server
