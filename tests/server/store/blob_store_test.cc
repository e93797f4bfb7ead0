#include "server/store/blob_store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "proto/support/sha256.h"
#include "server/store/sqlite_store.h"
#include "tests/fakes/faulty_blob_store.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/stored_blobs.h"
#include "tests/fakes/temporary_directory.h"

namespace headscope::server {
namespace {

using absl::StatusCode;

class FileBlobStoreTest : public ::testing::Test {
 protected:
  FileBlobStoreTest() { Reopen(); }
  void Reopen() {
    auto blobs = OpenFileBlobStore(directory_.path());
    ASSERT_THAT(blobs, IsOk());
    blobs_ = *std::move(blobs);
  }
  std::string PathOf(const std::string& hex) { return directory_.Child("blobs/" + hex.substr(0, 2) + "/" + hex); }

  TemporaryDirectory directory_;
  std::unique_ptr<BlobStore> blobs_;
};

TEST_F(FileBlobStoreTest, BlobsAreFoundByTheirDigestAfterReopening) {
  const auto hex = PutBlob(*blobs_, "content");
  ASSERT_THAT(hex, IsOk());
  EXPECT_EQ(*hex, ToHex(Sha256Of("content")));
  Reopen();
  EXPECT_EQ(*GetBlob(*blobs_, *hex), "content");
}

TEST_F(FileBlobStoreTest, AFileThatWasCutShortIsReplacedByTheNextOfItsContent) {
  const auto hex = PutBlob(*blobs_, "content");
  ASSERT_THAT(hex, IsOk());
  std::filesystem::resize_file(PathOf(*hex), 3);
  ASSERT_THAT(PutBlob(*blobs_, "content"), IsOk());
  EXPECT_EQ(*GetBlob(*blobs_, *hex), "content");
}

// Uploading the same rows again repairs what a disk has spoilt.
TEST_F(FileBlobStoreTest, DamagedBytesOfTheRightSizeAreReplacedByTheNextOfTheirContent) {
  const auto hex = PutBlob(*blobs_, "content");
  std::ofstream(PathOf(*hex)) << "c0ntent";
  ASSERT_THAT(PutBlob(*blobs_, "content"), IsOk());
  EXPECT_EQ(*GetBlob(*blobs_, *hex), "content");
}

TEST_F(FileBlobStoreTest, LargeBlobsAreWrittenInPartsAndReadAnywhere) {
  std::string content;
  for (int i = 0; i < 300'000; ++i) content += static_cast<char>(i % 251);
  content += content;
  auto writer = *blobs_->Create();
  for (std::size_t at = 0; at < content.size(); at += 77'777) {
    ASSERT_THAT(writer->Append(std::string_view(content).substr(at, 77'777)), IsOk());
  }
  EXPECT_EQ(writer->size(), content.size());
  const auto hex = writer->Finish();
  ASSERT_THAT(writer->Place(), IsOk());
  ASSERT_THAT(hex, IsOk());
  const auto reader = *blobs_->Open(*hex);
  EXPECT_EQ(reader->size(), content.size());
  EXPECT_EQ(*reader->Read(400'001, 1000), content.substr(400'001, 1000));
  EXPECT_EQ(*reader->Read(content.size(), 0), "");
  EXPECT_THAT(reader->Read(content.size() - 1, 2), IsError(StatusCode::kDataLoss, ""));
  EXPECT_THAT(reader->Read(~std::uint64_t{0}, 2), IsError(StatusCode::kDataLoss, ""));
}

TEST_F(FileBlobStoreTest, TheSameContentIsStoredOnce) {
  ASSERT_EQ(*PutBlob(*blobs_, "content"), *PutBlob(*blobs_, "content"));
  EXPECT_EQ(blobs_->stored_bytes(), 7);
}

TEST_F(FileBlobStoreTest, AnUncommittedBlobLeavesNoTrace) {
  {
    auto writer = *blobs_->Create();
    ASSERT_THAT(writer->Append("content"), IsOk());
  }
  EXPECT_TRUE(std::filesystem::is_empty(directory_.Child("blobs/unfinished")));
  EXPECT_THAT(blobs_->Open(ToHex(Sha256Of("content"))), IsError(StatusCode::kNotFound, ""));
}

TEST_F(FileBlobStoreTest, LeftoversOfWritesCutShortAreRemoved) {
  std::ofstream(directory_.Child("blobs/unfinished/17")) << "half";
  Reopen();
  EXPECT_TRUE(std::filesystem::is_empty(directory_.Child("blobs/unfinished")));
  EXPECT_THAT(PutBlob(*blobs_, "content"), IsOk());
}

TEST_F(FileBlobStoreTest, OnlyDigestsAreNames) {
  std::ofstream(directory_.Child("secret")) << "secret";
  for (const char* name : {"", "../secret", "/etc/passwd", "secret"}) {
    EXPECT_THAT(blobs_->Open(name), IsError(StatusCode::kNotFound, "")) << name;
    EXPECT_THAT(blobs_->Remove(name), IsOk());
  }
  EXPECT_THAT(blobs_->Open(std::string(64, 'A')), IsError(StatusCode::kNotFound, ""));
  EXPECT_TRUE(std::filesystem::exists(directory_.Child("secret")));
}

TEST_F(FileBlobStoreTest, RemovedBlobsAreGone) {
  const std::string hex = *PutBlob(*blobs_, "content");
  EXPECT_THAT(blobs_->Remove(hex), IsOk());
  EXPECT_THAT(blobs_->Remove(hex), IsOk());
  EXPECT_THAT(blobs_->Open(hex), IsError(StatusCode::kNotFound, ""));
  EXPECT_EQ(blobs_->stored_bytes(), 0);
}

TEST_F(FileBlobStoreTest, DamageIsNoticed) {
  const std::string hex = *PutBlob(*blobs_, "content");
  std::ofstream(PathOf(hex)) << "c0ntent";
  EXPECT_THAT(GetBlob(*blobs_, hex), IsError(StatusCode::kDataLoss, ""));
}

TEST_F(FileBlobStoreTest, ManyThreadsWriteAtOnce) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 20; ++i) {
        const std::string content = std::to_string(i % 10) + std::string(thread % 2, 'x');
        const auto hex = PutBlob(*blobs_, content);
        ASSERT_THAT(hex, IsOk());
        EXPECT_EQ(*GetBlob(*blobs_, *hex), content);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(PutBlobTest, AFullDiskIsAnErrorAndLeavesNothing) {
  FaultyBlobStore blobs;
  blobs.SetFull(true);
  EXPECT_THAT(PutBlob(blobs, "content"), IsError(StatusCode::kResourceExhausted, "DISK_FULL"));
  EXPECT_EQ(blobs.stored_bytes(), 0);
  blobs.SetFull(false);
  EXPECT_THAT(PutBlob(blobs, "content"), IsOk());
}

}  // namespace
}  // namespace headscope::server
