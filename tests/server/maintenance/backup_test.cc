#include "server/maintenance/backup.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "server/maintenance/check.h"
#include "tests/server/maintenance/folder_fixture.h"

namespace headscope::server {
namespace {

using absl::StatusCode;

class BackupTest : public FolderTest {
 protected:
  void SetUp() override { ASSERT_THAT(Start(), IsOk()); }
  absl::StatusOr<CheckReport> Check(const std::string& folder) {
    return CheckDataFolder(folder, [](const std::string&, std::uint64_t, std::uint64_t) {});
  }
  TemporaryDirectory elsewhere_;
};

TEST_F(BackupTest, IsADataFolderThatCanBeStartedOn) {
  const std::string blob = AddDataset("rows");
  const std::string target = elsewhere_.Child("target");
  const auto report = Backup(directory_.path(), target);
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->datasets, 1);
  EXPECT_EQ(report->blobs, 1u);
  const auto checked = Check(target);
  ASSERT_THAT(checked, IsOk());
  EXPECT_EQ(checked->faults.size(), 0u);
  EXPECT_EQ(checked->checked.at("blobs"), 1);
  EXPECT_THAT(PrepareStart(target, {}, random_), IsOk());
  struct stat status {};
  ASSERT_EQ(stat(target.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700);
}

TEST_F(BackupTest, WhatIsDeletedLaterStaysInIt) {
  const std::string blob = AddDataset("rows");
  ASSERT_THAT(Backup(directory_.path(), elsewhere_.Child("target")), IsOk());
  std::filesystem::remove(directory_.Child("blobs/" + blob.substr(0, 2) + "/" + blob));
  EXPECT_EQ(Check(elsewhere_.Child("target"))->faults.size(), 0u);
}

TEST_F(BackupTest, ATargetThatHoldsSomethingIsRefusedAndLeftAlone) {
  std::ofstream(elsewhere_.Child("mine")) << "x";
  EXPECT_THAT(Backup(directory_.path(), elsewhere_.path()),
              IsError(StatusCode::kFailedPrecondition, "TARGET_NOT_EMPTY"));
  EXPECT_THAT(Backup(directory_.path(), elsewhere_.Child("mine")),
              IsError(StatusCode::kFailedPrecondition, "TARGET_NOT_EMPTY"));
  EXPECT_TRUE(std::filesystem::exists(elsewhere_.Child("mine")));
  EXPECT_THAT(Backup(elsewhere_.path(), elsewhere_.Child("target")),
              IsError(StatusCode::kFailedPrecondition, "NO_DATABASE"));
}

TEST_F(BackupTest, OfAFolderThatLacksABlobNothingIsLeft) {
  const std::string blob = AddDataset("rows");
  std::filesystem::remove(directory_.Child("blobs/" + blob.substr(0, 2) + "/" + blob));
  EXPECT_THAT(Backup(directory_.path(), elsewhere_.Child("target")), IsError(StatusCode::kDataLoss, "BLOB_MISSING"));
  EXPECT_FALSE(std::filesystem::exists(elsewhere_.Child("target")));
  EXPECT_THAT(Backup(directory_.path(), elsewhere_.path()), IsError(StatusCode::kDataLoss, "BLOB_MISSING"));
  EXPECT_TRUE(std::filesystem::is_empty(elsewhere_.path())) << "an empty target stays as it was";
}

}  // namespace
}  // namespace headscope::server
