#include "server/store/disk_space.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "proto/support/limits.h"
#include "server/store/sqlite_store.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/seeded_random.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/stored_blobs.h"
#include "tests/fakes/temporary_directory.h"

namespace headscope::server {
namespace {

using absl::StatusCode;
using ::testing::HasSubstr;

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

TEST(DiskSpaceTest, BelowTheLowWaterMarkNothingNewIsTaken) {
  TemporaryDirectory directory;
  DiskRoom room{10 * kGiB, 100 * kGiB};
  DiskSpace disk(directory.path(), {}, [&] { return room; });
  EXPECT_EQ(disk.low_water(), 2 * kGiB);
  EXPECT_THAT(disk.CheckRoom(), IsOk());
  room.free = 2 * kGiB - 1;
  disk.Refresh();
  const absl::Status refused = disk.CheckRoom();
  EXPECT_THAT(refused, IsError(StatusCode::kResourceExhausted, "DISK_FULL"));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("2047 MiB left, below 2048 MiB"));
  room.free = 2 * kGiB;
  disk.Refresh();
  EXPECT_THAT(disk.CheckRoom(), IsOk());
}

TEST(DiskSpaceTest, ASmallDisksMarkIsAPartOfIt) {
  TemporaryDirectory directory;
  DiskSpace disk(directory.path(), {}, [] { return DiskRoom{kGiB, 20 * kGiB}; });
  EXPECT_EQ(disk.low_water(), kGiB);
}

TEST(DiskSpaceTest, TheReserveIsGivenUpOnceAndMadeAgainWhenThereIsRoom) {
  TemporaryDirectory directory;
  DiskOptions options;
  options.reserve = 1 << 20;
  DiskRoom room{10 * kGiB, 100 * kGiB};
  DiskSpace disk(directory.path(), options, [&] { return room; });
  EXPECT_FALSE(disk.ReleaseReserve());
  disk.Refresh();
  EXPECT_TRUE(disk.has_reserve());
  EXPECT_EQ(std::filesystem::file_size(directory.Child("reserve")), 1u << 20);
  EXPECT_TRUE(disk.ReleaseReserve());
  EXPECT_FALSE(disk.ReleaseReserve());
  room.free = kGiB;
  disk.Refresh();
  EXPECT_FALSE(disk.has_reserve()) << "while the disk is low it is not filled further";
  room.free = 10 * kGiB;
  disk.Refresh();
  EXPECT_TRUE(disk.has_reserve());
}

TEST(DiskSpaceTest, AReserveThatACrashCutShortIsMadeAnew) {
  TemporaryDirectory directory;
  std::ofstream(directory.Child("reserve")) << "";
  DiskOptions options;
  options.reserve = 1 << 20;
  DiskSpace disk(directory.path(), options, [] { return DiskRoom{10 * kGiB, 100 * kGiB}; });
  EXPECT_FALSE(disk.has_reserve());
  disk.Refresh();
  EXPECT_EQ(std::filesystem::file_size(directory.Child("reserve")), 1u << 20);
  const DiskSpace again(directory.path(), options, [] { return DiskRoom{10 * kGiB, 100 * kGiB}; });
  EXPECT_TRUE(again.has_reserve());
}

// A file system of 12 MB of its own, filled to the last byte.
class FullDiskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (mount("tmpfs", directory_.path().c_str(), "tmpfs", 0, "size=12m") != 0) {
      GTEST_SKIP() << "cannot mount a tmpfs: " << std::strerror(errno);
    }
    mounted_ = true;
    DiskOptions options;
    options.low_water = 0;
    options.reserve = 1 << 20;
    // One percent of so small a disk is no reserve.
    disk_ = std::make_unique<DiskSpace>(directory_.path(), options, [] { return DiskRoom{kGiB, 100 * kGiB}; });
    disk_->Refresh();
  }
  void TearDown() override {
    store_.reset();
    if (mounted_) umount2(directory_.path().c_str(), MNT_DETACH);
  }

  absl::Status Open() {
    auto store = OpenSqliteStore(directory_.path(), clock_, random_, {disk_.get(), {}});
    if (store.ok()) store_ = *std::move(store);
    return store.status();
  }
  void Fill() {
    for (const std::size_t part : {1u << 20, 4096u, 1u}) {
      std::ofstream file(directory_.Child("filling"), std::ios::app | std::ios::binary);
      const std::string bytes(part, 'x');
      while (file.write(bytes.data(), static_cast<std::streamsize>(bytes.size())).flush()) {
      }
    }
  }
  // A job that has ended.
  std::string EndedJob() {
    DatasetRecord record;
    record.digest = Announced(*store_, std::string(64, 'd'));
    record.sample_count = 1;
    EXPECT_THAT(store_->PutDataset(record), IsOk());
    NewJob job;
    job.spec.model = "model";
    job.spec.dataset = record.digest;
    const std::string id = store_->Submit(job)->job.id;
    EXPECT_THAT(store_->Cancel(id), IsOk());
    return id;
  }
  // Makes the log so long that nothing goes on without room.
  absl::Status Grow() {
    absl::Status status;
    for (int i = 0; i < 10'000 && status.ok(); ++i) {
      NewJob job;
      job.spec.model = "model";
      job.spec.dataset = std::string(64, 'd');
      job.spec.labels = {{"note", std::string(250, 'n')}};
      status = store_->Submit(job).status();
    }
    return status;
  }

  TemporaryDirectory directory_;
  FakeClock clock_;
  SeededRandom random_{1};
  std::unique_ptr<DiskSpace> disk_;
  std::unique_ptr<JobStore> store_;
  bool mounted_ = false;
};

TEST_F(FullDiskTest, WhatFreesRoomWorksAndASubmissionIsRefused) {
  ASSERT_THAT(Open(), IsOk());
  const std::string ended = EndedJob();
  Fill();
  ASSERT_THAT(Grow(), IsError(StatusCode::kResourceExhausted, "DISK_FULL"));
  EXPECT_TRUE(disk_->has_reserve()) << "submissions do not take it";
  EXPECT_THAT(store_->DeleteJob(ended), IsOk());
  EXPECT_FALSE(disk_->has_reserve());
  EXPECT_THAT(store_->GetJob(ended), IsError(StatusCode::kNotFound, "JOB_NOT_FOUND"));
}

TEST_F(FullDiskTest, AServerStartsAndDeletes) {
  ASSERT_THAT(Open(), IsOk());
  const std::string ended = EndedJob();
  store_.reset();
  Fill();
  ASSERT_THAT(Open(), IsOk());
  EXPECT_THAT(OpenFileBlobStore(directory_.path()), IsOk());
  EXPECT_THAT(store_->DeleteJob(ended), IsOk());
}

// Three episodes, each longer than a session lives: nobody dies of them.
TEST_F(FullDiskTest, WorkersThatAreHeardLiveThroughIt) {
  ASSERT_THAT(Open(), IsOk());
  EndedJob();
  NewJob job;
  job.spec.model = "model";
  job.spec.dataset = std::string(64, 'd');
  const std::string id = store_->Submit(job)->job.id;
  const SessionRef session = store_->OpenSession({"w", "boot", "", "", false})->ref;
  const Lease lease = **store_->Claim(session, store_->Candidates()->front().shard);
  for (int episode = 0; episode < 3; ++episode) {
    Fill();
    ASSERT_THAT(Grow(), IsError(StatusCode::kResourceExhausted, "DISK_FULL"));
    clock_.Advance(kSessionTtl + absl::Seconds(3));
    EXPECT_THAT(store_->KeepSessions({session.session}), IsError(StatusCode::kResourceExhausted, "DISK_FULL"));
    std::filesystem::remove(directory_.Child("filling"));
    ASSERT_THAT(store_->KeepSessions({session.session}), IsOk());
    ASSERT_THAT(store_->Reap(), IsOk());
  }
  const auto held = store_->CheckLease({session, lease.shard.id, lease.shard.fence});
  ASSERT_THAT(held, IsOk());
  EXPECT_EQ(held->shard.worker_deaths, 0u);
}

}  // namespace
}  // namespace headscope::server
