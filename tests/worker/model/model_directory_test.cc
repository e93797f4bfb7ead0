#include "worker/model/model_directory.h"

#include <sys/stat.h>

#include <filesystem>

#include <gtest/gtest.h>

#include "tests/worker/support/test_checkpoint.h"

namespace headscope::worker {
namespace {

namespace fs = std::filesystem;

// root/model/config.json, root/blobs/blob, outside/secret.
class ModelDirectoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(base_.File("root/model"));
    fs::create_directories(base_.File("root/blobs"));
    fs::create_directories(base_.File("outside"));
    WriteFileOrDie(base_.File("root/model/config.json"), "{}");
    WriteFileOrDie(base_.File("root/blobs/blob"), "blob");
    WriteFileOrDie(base_.File("outside/secret"), "secret");
  }
  absl::StatusOr<std::string> Read(const std::string& root, const std::string& name) {
    const auto directory = ModelDirectory::Open(base_.File("root/model"), root);
    return directory.ok() ? directory->ReadText(name, 100) : directory.status();
  }

  TempDirectory base_;
};

TEST_F(ModelDirectoryTest, ReadsItsOwnFiles) { EXPECT_EQ(*Read("", "config.json"), "{}"); }

TEST_F(ModelDirectoryTest, FollowsLinksBeneathTheRootOnly) {
  fs::create_symlink("../blobs/blob", base_.File("root/model/linked"));
  fs::create_symlink(base_.File("outside/secret"), base_.File("root/model/absolute"));
  fs::create_symlink("../../outside/secret", base_.File("root/model/relative"));
  EXPECT_EQ(*Read(base_.File("root"), "linked"), "blob");
  EXPECT_EQ(Read("", "linked").status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Read(base_.File("root"), "absolute").status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Read(base_.File("root"), "relative").status().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(ModelDirectoryTest, ARootIsNotAPrefixOfItsNeighbour) {
  fs::create_directories(base_.File("root-other"));
  WriteFileOrDie(base_.File("root-other/file"), "x");
  fs::create_symlink(base_.File("root-other/file"), base_.File("root/model/neighbour"));
  EXPECT_EQ(Read(base_.File("root"), "neighbour").status().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(ModelDirectoryTest, NamesAreNotPaths) {
  for (const std::string& name : {std::string("../blobs/blob"), std::string("/etc/hostname"), std::string(".."),
                                  std::string("."), std::string(), std::string("a\0b", 3)}) {
    EXPECT_EQ(Read(base_.File("root"), name).status().code(), absl::StatusCode::kInvalidArgument) << name;
  }
}

TEST_F(ModelDirectoryTest, OnlyRegularFilesAreOpened) {
  fs::create_directories(base_.File("root/model/folder"));
  ASSERT_EQ(::mkfifo(base_.File("root/model/pipe").c_str(), 0600), 0);
  EXPECT_EQ(Read("", "folder").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Read("", "pipe").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ModelDirectoryTest, MissingThingsAreNotFound) {
  EXPECT_EQ(Read("", "absent").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ModelDirectory::Open(base_.File("nowhere"), "").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ModelDirectory::Open(base_.File("outside"), base_.File("root")).status().code(),
            absl::StatusCode::kPermissionDenied);
}

TEST_F(ModelDirectoryTest, WhatIsThereAndCannotBeOpenedIsUnavailable) {
  fs::create_symlink("loop", base_.File("root/model/loop"));
  EXPECT_EQ(Read("", "loop").status().code(), absl::StatusCode::kUnavailable);
  const auto directory = ModelDirectory::Open(base_.File("root/model"), "");
  const NoOpenFiles none;
  const absl::Status status = directory->OpenFile("config.json").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_NE(status.message().find("Too many open files"), absl::string_view::npos) << status;
}

TEST_F(ModelDirectoryTest, ErrorsNameNothingOfTheMachineButTheModelAndTheFile) {
  fs::create_symlink(base_.File("outside/secret"), base_.File("root/model/secret"));
  fs::create_directories(base_.File("root/model/folder"));
  const std::string root = base_.File("root");
  for (const std::string name : {"absent", "secret", "folder"}) {
    const std::string text(Read(root, name).status().message());
    EXPECT_EQ(text.find(base_.path()), std::string::npos) << text;
    EXPECT_NE(text.find("model/" + name), std::string::npos) << text;
  }
  for (const std::string name : {"root/absent", "root/model/config.json"}) {
    const std::string text(ModelDirectory::Open(base_.File(name), root).status().message());
    EXPECT_EQ(text.find(base_.path()), std::string::npos) << text;
    EXPECT_NE(text.find(name.substr(5)), std::string::npos) << text;
  }
}

TEST_F(ModelDirectoryTest, LargeTextsAreRefusedBeforeTheyAreRead) {
  WriteFileOrDie(base_.File("root/model/large"), std::string(101, 'x'));
  EXPECT_EQ(Read("", "large").status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace headscope::worker
