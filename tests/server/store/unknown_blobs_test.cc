#include "server/store/unknown_blobs.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "proto/support/sha256.h"
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
using ::testing::HasSubstr;

class UnknownBlobsTest : public ::testing::Test {
 protected:
  UnknownBlobsTest() : store_(*OpenSqliteStore(directory_.path(), clock_, random_)), blobs_(*OpenFileBlobStore(directory_.path())) {}

  // A stored dataset.
  std::string Known(const std::string& bytes) {
    DatasetRecord record;
    record.digest = Announced(*store_, *PutBlob(*blobs_, bytes));
    EXPECT_THAT(store_->PutDataset(record), IsOk());
    return record.digest;
  }
  std::string Unknown(const std::string& bytes) { return *PutBlob(*blobs_, bytes); }
  absl::StatusOr<ReconciledBlobs> Reconcile(const QuarantineOptions& options = {}) {
    return ReconcileBlobs(directory_.path(), *store_, options, clock_.Now());
  }
  std::size_t InQuarantine() {
    std::size_t files = 0;
    if (!fs::exists(directory_.Child("blobs/quarantine"))) return 0;
    for (const auto& entry : fs::recursive_directory_iterator(directory_.Child("blobs/quarantine"))) {
      files += entry.is_regular_file();
    }
    return files;
  }

  TemporaryDirectory directory_;
  FakeClock clock_;
  SeededRandom random_{1};
  std::unique_ptr<JobStore> store_;
  std::unique_ptr<BlobStore> blobs_;
};

TEST_F(UnknownBlobsTest, AFolderAsItShouldBeIsLeftAlone) {
  const std::string known = Known("rows");
  const auto found = Reconcile();
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->quarantined + found->taken_back + found->expired + found->missing, 0u);
  EXPECT_EQ(found->stored_bytes, 1u) << "as it was announced";
  EXPECT_THAT(blobs_->Open(known), IsOk());
}

TEST_F(UnknownBlobsTest, UnknownFilesArePutAsideForTheirTimeAndNotRemoved) {
  Known("rows");
  const std::string unknown = Unknown("of another database");
  EXPECT_EQ(Reconcile()->quarantined, 1u);
  EXPECT_THAT(blobs_->Open(unknown), IsError(StatusCode::kNotFound, ""));
  EXPECT_EQ(InQuarantine(), 1u);
  clock_.Advance(absl::Hours(24 * 7));
  EXPECT_EQ(Reconcile()->expired, 0u);
  clock_.Advance(absl::Hours(24));
  EXPECT_EQ(Reconcile()->expired, 1u);
  EXPECT_EQ(InQuarantine(), 0u);
}

TEST_F(UnknownBlobsTest, WhatADatabaseKnowsAgainIsTakenBack) {
  const std::string digest = Unknown("rows");
  ASSERT_THAT(Reconcile(), IsOk());
  DatasetRecord record;
  record.digest = Announced(*store_, digest);
  ASSERT_THAT(store_->PutDataset(record), IsOk());
  const auto found = Reconcile();
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->taken_back, 1u);
  EXPECT_EQ(found->missing, 0u);
  EXPECT_EQ(*GetBlob(*blobs_, digest), "rows");
}

TEST_F(UnknownBlobsTest, ManyUnknownFilesAreRefusedUntouched) {
  Known("rows");
  for (int i = 0; i < 11; ++i) Unknown(absl::StrCat("unknown ", i));
  const auto found = Reconcile();
  EXPECT_THAT(found, IsError(StatusCode::kFailedPrecondition, "UNKNOWN_BLOBS"));
  EXPECT_THAT(std::string(found.status().message()), HasSubstr("11 of 12"));
  EXPECT_THAT(std::string(found.status().message()), HasSubstr("--quarantine-unknown-blobs"));
  EXPECT_EQ(InQuarantine(), 0u);
  QuarantineOptions any;
  any.any_number = true;
  EXPECT_EQ(Reconcile(any)->quarantined, 11u);
}

TEST_F(UnknownBlobsTest, AFewAmongVeryManyAreNoReasonToRefuse) {
  for (int i = 0; i < 1100; ++i) Known(absl::StrCat("known ", i));
  for (int i = 0; i < 11; ++i) Unknown(absl::StrCat("unknown ", i));
  EXPECT_EQ(Reconcile()->quarantined, 11u);
}

TEST_F(UnknownBlobsTest, FilesThatAreMissingAreCounted) {
  const std::string known = Known("rows");
  ASSERT_THAT(blobs_->Remove(known), IsOk());
  EXPECT_EQ(Reconcile()->missing, 1u);
}

}  // namespace
}  // namespace headscope::server
