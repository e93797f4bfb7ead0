// A data folder without a server, and SQL beside the store.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <fstream>
#include <memory>
#include <string>

#include "server/maintenance/start.h"
#include "server/store/sqlite_store.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/seeded_random.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/stored_blobs.h"
#include "tests/fakes/temporary_directory.h"

namespace headscope::server {

class FolderTest : public ::testing::Test {
 protected:
  absl::StatusOr<PreparedStart> Start(StartOptions options = {}) {
    return PrepareStart(directory_.path(), options, random_);
  }
  void Execute(const std::string& sql, const std::string& file = "headscope.sqlite") {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(directory_.Child(file).c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }
  // A dataset with its blob, as a server records it.
  std::string AddDataset(const std::string& bytes) {
    const auto store = OpenSqliteStore(directory_.path(), clock_, random_);
    const auto blobs = OpenFileBlobStore(directory_.path());
    EXPECT_THAT(store, IsOk());
    EXPECT_THAT(blobs, IsOk());
    const absl::StatusOr<std::string> blob = PutBlob(**blobs, bytes);
    EXPECT_THAT(blob, IsOk());
    DatasetRecord record;
    record.digest = *blob;
    record.sample_count = 1;
    EXPECT_THAT((*store)->AnnounceBlob(*blob, bytes.size()), IsOk());
    EXPECT_THAT((*store)->PutDataset(record), IsOk());
    return *blob;
  }

  TemporaryDirectory directory_;
  FakeClock clock_;
  SeededRandom random_{1};
};

}  // namespace headscope::server
