// Blobs on their way in and out: held, recorded, given up, removed; what is over; what is left of deleted text.
#include "server/store/housekeeping.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "absl/synchronization/notification.h"
#include "server/store/blob_intake.h"
#include "server/store/sqlite_store.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/seeded_random.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/stored_blobs.h"
#include "tests/fakes/temporary_directory.h"

namespace headscope::server {
namespace {

namespace fs = std::filesystem;
using absl::StatusCode;

class HousekeepingTest : public ::testing::Test {
 protected:
  HousekeepingTest() { Open(); }
  ~HousekeepingTest() override { executor_->Stop(); }

  void Open() {
    store_ = *OpenSqliteStore(directory_.path(), clock_, random_);
    blobs_ = *OpenFileBlobStore(directory_.path());
    executor_ = std::make_unique<StoreExecutor>(*store_);
    executor_->Start();
    intake_.emplace(*executor_, *blobs_);
  }
  // As after a crash: nothing that was held is given up.
  void Reopen() {
    executor_->Stop();
    executor_.reset();
    store_.reset();
    Open();
  }
  void OnStore(const std::function<void(JobStore&)>& work) {
    absl::Notification done;
    ASSERT_TRUE(executor_->Post([&](JobStore& store) {
      work(store);
      done.Notify();
    }));
    done.WaitForNotification();
  }
  std::size_t Files() {
    std::size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(directory_.Child("blobs"))) files += entry.is_regular_file();
    return files;
  }
  Housekeeping Keeper(HousekeepingOptions options = {}) { return Housekeeping(std::move(options), *executor_, *blobs_); }
  std::string Upload(const std::string& bytes) {
    HeldBlob held = *intake_->Put(bytes);
    DatasetRecord record;
    record.digest = held.digest();
    record.sample_count = 1;
    record.create_time = clock_.Now();
    OnStore([&](JobStore& store) { ASSERT_THAT(store.PutDataset(record), IsOk()); });
    held.Recorded();
    return record.digest;
  }

  TemporaryDirectory directory_;
  FakeClock clock_;
  SeededRandom random_{1};
  std::unique_ptr<JobStore> store_;
  std::unique_ptr<BlobStore> blobs_;
  std::unique_ptr<StoreExecutor> executor_;
  std::optional<BlobIntake> intake_;
};

TEST_F(HousekeepingTest, WhatIsHeldOrRecordedStaysAndWhatIsGivenUpGoes) {
  Housekeeping keeper = Keeper();
  const std::string recorded = Upload("recorded");
  {
    const HeldBlob held = *intake_->Put("held");
    EXPECT_FALSE(*keeper.RemoveUnusedBlobs());
    EXPECT_EQ(Files(), 2u);
  }
  EXPECT_FALSE(*keeper.RemoveUnusedBlobs());
  EXPECT_EQ(Files(), 1u);
  EXPECT_THAT(blobs_->Open(recorded), IsOk());
}

TEST_F(HousekeepingTest, BytesThatSomebodyWritesAgainOutliveTheirLastUser) {
  Housekeeping keeper = Keeper();
  const std::string digest = Upload("rows");
  HeldBlob again = *intake_->Put("rows");
  OnStore([&](JobStore& store) { ASSERT_THAT(store.DeleteDataset(digest), IsOk()); });
  EXPECT_FALSE(*keeper.RemoveUnusedBlobs());
  EXPECT_THAT(blobs_->Open(digest), IsOk()) << "it is on its way in again";
  DatasetRecord record;
  record.digest = digest;
  record.sample_count = 1;
  OnStore([&](JobStore& store) { ASSERT_THAT(store.PutDataset(record), IsOk()); });
  again.Recorded();
  EXPECT_FALSE(*keeper.RemoveUnusedBlobs());
  EXPECT_EQ(*GetBlob(*blobs_, digest), "rows");
}

TEST_F(HousekeepingTest, WhatIsBeingRemovedCannotBeRecorded) {
  const std::string digest = Upload("rows");
  OnStore([&](JobStore& store) {
    ASSERT_THAT(store.DeleteDataset(digest), IsOk());
    EXPECT_EQ(store.TakeUnusedBlobs(10)->size(), 1u);
    EXPECT_THAT(store.AnnounceBlob(digest, 4), IsError(StatusCode::kUnavailable, "BLOB_GONE"));
    DatasetRecord record;
    record.digest = digest;
    EXPECT_THAT(store.PutDataset(record), IsError(StatusCode::kUnavailable, "BLOB_GONE"));
    EXPECT_THAT(store.GetDataset(digest), IsError(StatusCode::kNotFound, "DATASET_NOT_FOUND"));
    ASSERT_THAT(store.ForgetBlobs({digest}), IsOk());
    EXPECT_THAT(store.AnnounceBlob(digest, 4), IsOk());
  });
}

TEST_F(HousekeepingTest, WritersThatDiedWithTheServerAreForgotten) {
  // Never given up: its writer's process is gone.
  const std::string digest = *PutBlob(*blobs_, "of a dead writer");
  OnStore([&](JobStore& store) { Announced(store, digest); });
  Reopen();
  EXPECT_FALSE(*Keeper().RemoveUnusedBlobs());
  EXPECT_EQ(Files(), 0u);
}

TEST_F(HousekeepingTest, ARemovalThatACrashCutShortIsFinished) {
  const std::string digest = Upload("rows");
  OnStore([&](JobStore& store) {
    ASSERT_THAT(store.DeleteDataset(digest), IsOk());
    EXPECT_EQ(store.TakeUnusedBlobs(10)->size(), 1u);
  });
  Reopen();
  EXPECT_FALSE(*Keeper().RemoveUnusedBlobs());
  EXPECT_EQ(Files(), 0u);
  EXPECT_EQ(Upload("rows"), digest);
}

TEST_F(HousekeepingTest, DatasetsThatNobodyUsesGoWhenTheirTimeIsOver) {
  HousekeepingOptions options;
  options.retention.keep = absl::Hours(48);
  Housekeeping keeper = Keeper(options);
  const std::string digest = Upload("rows");
  clock_.Advance(absl::Hours(47));
  ASSERT_THAT(keeper.Retire(), IsOk());
  OnStore([&](JobStore& store) { EXPECT_THAT(store.GetDataset(digest), IsOk()); });
  clock_.Advance(absl::Hours(1));
  ASSERT_THAT(keeper.Retire(), IsOk());
  OnStore([&](JobStore& store) { EXPECT_THAT(store.GetDataset(digest), IsError(StatusCode::kNotFound, "DATASET_NOT_FOUND")); });
  EXPECT_FALSE(*keeper.RemoveUnusedBlobs());
  EXPECT_EQ(Files(), 0u);
}

TEST_F(HousekeepingTest, JobsGoWhenTheirTimeIsOverAndTheirDatasetsAfterThem) {
  std::vector<std::string> told;
  HousekeepingOptions options;
  options.retention.keep = absl::Hours(10);
  options.jobs_retired = [&](const std::vector<std::string>& jobs) { told.insert(told.end(), jobs.begin(), jobs.end()); };
  Housekeeping keeper = Keeper(options);
  NewJob job;
  job.spec.model = "model";
  job.spec.dataset = Upload("rows");
  job.request_id = "request";
  std::string open, ended;
  OnStore([&](JobStore& store) {
    ended = store.Submit(job)->job.id;
    job.request_id.clear();
    open = store.Submit(job)->job.id;
    ASSERT_THAT(store.Cancel(ended), IsOk());
  });
  clock_.Advance(absl::Hours(10));
  ASSERT_THAT(keeper.Retire(), IsOk());
  EXPECT_EQ(told, std::vector<std::string>{ended});
  job.request_id = "request";
  OnStore([&](JobStore& store) {
    EXPECT_THAT(store.GetJob(ended), IsError(StatusCode::kNotFound, "JOB_NOT_FOUND"));
    EXPECT_THAT(store.GetJob(open), IsOk()) << "a job that has not ended stays";
    EXPECT_THAT(store.Submit(job), IsError(StatusCode::kNotFound, "REQUEST_DELETED"));
  });
  clock_.Advance(absl::Hours(24));
  ASSERT_THAT(keeper.Retire(), IsOk());
  OnStore([&](JobStore& store) { EXPECT_THAT(store.Submit(job), IsOk()) << "the request id is free again after a day"; });
}

TEST_F(HousekeepingTest, NothingOfDeletedTextIsLeftInAnyFile) {
  const std::string marker = "a-secret-that-is-nowhere-else";
  const std::string digest = Upload(marker);
  OnStore([&](JobStore& store) {
    NewJob job;
    job.spec.model = "model";
    job.spec.dataset = digest;
    job.spec.labels = {{"note", marker}};
    const std::string id = store.Submit(job)->job.id;
    ASSERT_THAT(store.Cancel(id), IsOk());
    ASSERT_THAT(store.DeleteJob(id), IsOk());
    ASSERT_THAT(store.DeleteDataset(digest), IsOk());
  });
  Housekeeping keeper = Keeper();
  EXPECT_FALSE(*keeper.RemoveUnusedBlobs());
  ASSERT_THAT(keeper.Tidy(), IsOk());
  for (const auto& entry : fs::recursive_directory_iterator(directory_.path())) {
    if (!entry.is_regular_file()) continue;
    std::ostringstream content;
    content << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    EXPECT_EQ(content.str().find(marker), std::string::npos) << entry.path();
  }
}

}  // namespace
}  // namespace headscope::server
