// A disk without room, played by the process's own limit on file sizes.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "server/store/sqlite_store.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/seeded_random.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/stored_blobs.h"
#include "tests/fakes/temporary_directory.h"

namespace headscope::server {
namespace {

using absl::StatusCode;

// No file grows beyond `bytes` while this lives.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    former_handler_ = signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &former_);
    rlimit limit = former_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &former_);
    signal(SIGXFSZ, former_handler_);
  }

 private:
  rlimit former_{};
  sighandler_t former_handler_;
};

const auto kDiskFull = IsError(StatusCode::kResourceExhausted, "DISK_FULL");

TEST(DiskFullTest, ABlobIsRefusedAndLeavesNothing) {
  TemporaryDirectory directory;
  const auto blobs = *OpenFileBlobStore(directory.path());
  {
    FileSizeLimit limit(100'000);
    const auto refused = PutBlob(*blobs, std::string(300'000, 'x'));
    EXPECT_THAT(refused, kDiskFull);
    EXPECT_THAT(PutBlob(*blobs, "small"), IsOk());
  }
  EXPECT_EQ(blobs->stored_bytes(), 5);
  EXPECT_THAT(PutBlob(*blobs, std::string(300'000, 'x')), IsOk());
}

TEST(DiskFullTest, TheErrorNamesTheFolderButNotWhereItIs) {
  TemporaryDirectory directory;
  const auto lock = DataDirectory::Lock(directory.Child("headscope-data"));
  const auto blobs = *OpenFileBlobStore(directory.Child("headscope-data"));
  FileSizeLimit limit(1000);
  const std::string message(PutBlob(*blobs, std::string(300'000, 'x')).status().message());
  EXPECT_THAT(message, testing::HasSubstr("'headscope-data'"));
  EXPECT_THAT(message, testing::Not(testing::HasSubstr(directory.path())));
}

class FullStoreTest : public ::testing::Test {
 protected:
  FullStoreTest() { Open(); }
  void Open() {
    store_.reset();
    auto store = OpenSqliteStore(directory_.path(), clock_, random_);
    ASSERT_THAT(store, IsOk());
    store_ = *std::move(store);
  }
  NewJob LargeJob() {
    NewJob job;
    job.spec.model = "model";
    job.spec.dataset = std::string(64, 'd');
    for (int i = 0; i < 16; ++i) job.spec.labels[absl::StrCat("label", i)] = std::string(256, 'x');
    return job;
  }

  TemporaryDirectory directory_;
  FakeClock clock_;
  SeededRandom random_{1};
  std::unique_ptr<JobStore> store_;
};

TEST_F(FullStoreTest, WhatIsRefusedDidNotHappenAndWhatWasAcknowledgedStays) {
  DatasetRecord record;
  record.digest = std::string(64, 'd');
  record.sample_count = 3;
  ASSERT_THAT((Announced(*store_, record.digest), store_->PutDataset(record)), IsOk());
  std::vector<std::string> acknowledged;
  {
    FileSizeLimit limit(1 << 20);
    for (;;) {
      const auto outcome = store_->Submit(LargeJob());
      if (!outcome.ok()) {
        EXPECT_THAT(outcome, kDiskFull);
        break;
      }
      acknowledged.push_back(outcome->job.id);
      ASSERT_LT(acknowledged.size(), 10'000) << "the limit is never reached";
    }
    EXPECT_THAT(store_->GetJob(acknowledged.front()), IsOk()) << "reading needs no room";
    EXPECT_EQ(store_->Stats()->queued_jobs, acknowledged.size());
  }
  EXPECT_THAT(store_->Submit(LargeJob()), IsOk()) << "there is room again";
  Open();
  for (const std::string& job : acknowledged) EXPECT_THAT(store_->GetJob(job), IsOk());
  EXPECT_EQ(store_->Stats()->queued_jobs, acknowledged.size() + 1);
}

TEST_F(FullStoreTest, AFileThatIsNoStoreIsNotOpened) {
  TemporaryDirectory other;
  std::ofstream(other.Child("headscope.sqlite")) << std::string(8192, 'x');
  const auto store = OpenSqliteStore(other.path(), clock_, random_);
  ASSERT_THAT(store, IsError(StatusCode::kInternal, "STORE_DAMAGED"));
  EXPECT_THAT(std::string(store.status().message()), testing::HasSubstr("damaged"));
}

}  // namespace
}  // namespace headscope::server
