// Whether database and folder belong together: every wrong pair is refused, no right one is.
#include "server/maintenance/start.h"

#include <sys/stat.h>

#include <filesystem>

#include "server/maintenance/store_mark.h"
#include "server/store/sqlite/migrations.h"
#include "tests/server/maintenance/folder_fixture.h"

namespace headscope::server {
namespace {

using absl::StatusCode;

using StartTest = FolderTest;

TEST_F(StartTest, EveryStartRaisesTheGenerationInBothPlaces) {
  const auto first = Start();
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->former_schema, 0);
  EXPECT_EQ(first->kept_copy, "");
  const auto second = Start();
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(second->mark.id, first->mark.id);
  EXPECT_EQ(second->mark.generation, first->mark.generation + 1);
  EXPECT_EQ((*ReadFolderMark(directory_.path()))->generation, second->mark.generation);
  ASSERT_THAT(RaiseGeneration(directory_.path()), IsOk());
  EXPECT_EQ((*ReadFolderMark(directory_.path()))->generation, second->mark.generation + 1);
}

TEST_F(StartTest, FilesAreTheirOwnersAlone) {
  ASSERT_THAT(Start(), IsOk());
  chmod(directory_.Child("headscope.sqlite").c_str(), 0644);
  ASSERT_THAT(Start(), IsOk());
  for (const char* name : {"headscope.sqlite", "store.json"}) {
    struct stat status {};
    ASSERT_EQ(stat(directory_.Child(name).c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_mode & 0777, 0600) << name;
  }
}

TEST_F(StartTest, ADatabaseAheadOfItsFolderIsNoFault) {
  ASSERT_THAT(Start(), IsOk());
  Execute("UPDATE store SET generation = generation + 3");
  EXPECT_THAT(Start(), IsOk());
  EXPECT_THAT(Start(), IsOk());
}

TEST_F(StartTest, AnOlderDatabaseIsRefusedUnlessAccepted) {
  ASSERT_THAT(Start(), IsOk());
  ASSERT_THAT(Start(), IsOk());
  Execute("UPDATE store SET generation = generation - 1");
  EXPECT_THAT(Start(), IsError(StatusCode::kFailedPrecondition, "DATABASE_OLDER"));
  EXPECT_THAT(Start({.accept_older_database = true}), IsOk());
  EXPECT_THAT(Start(), IsOk());
}

TEST_F(StartTest, ADatabaseOfAnotherStoreIsRefusedAlways) {
  ASSERT_THAT(Start(), IsOk());
  Execute("UPDATE store SET id = 'store-other', generation = 99");
  EXPECT_THAT(Start(), IsError(StatusCode::kFailedPrecondition, "DATABASE_OF_ANOTHER_STORE"));
  EXPECT_THAT(Start({.accept_older_database = true}),
              IsError(StatusCode::kFailedPrecondition, "DATABASE_OF_ANOTHER_STORE"));
}

TEST_F(StartTest, ADatabaseOfSomethingElseIsLeftAlone) {
  Execute("CREATE TABLE bookmarks(url TEXT)");
  EXPECT_THAT(Start({.accept_older_database = true}),
              IsError(StatusCode::kFailedPrecondition, "DATABASE_OF_ANOTHER_STORE"));
  Execute("DROP TABLE bookmarks");
  EXPECT_THAT(Start(), IsOk());
}

TEST_F(StartTest, NoDatabaseInAFolderThatHadOneIsRefusedUnlessAccepted) {
  const auto first = Start();
  ASSERT_THAT(first, IsOk());
  std::filesystem::remove(directory_.Child("headscope.sqlite"));
  EXPECT_THAT(Start(), IsError(StatusCode::kFailedPrecondition, "DATABASE_MISSING"));
  EXPECT_FALSE(std::filesystem::exists(directory_.Child("headscope.sqlite")));
  std::ofstream(directory_.Child("headscope.sqlite")).flush();
  EXPECT_THAT(Start(), IsError(StatusCode::kFailedPrecondition, "DATABASE_MISSING"));
  const auto accepted = Start({.accept_older_database = true});
  ASSERT_THAT(accepted, IsOk());
  EXPECT_EQ(accepted->mark.id, first->mark.id);
  EXPECT_GT(accepted->mark.generation, first->mark.generation);
}

TEST_F(StartTest, BlobsWithoutADatabaseAreRefusedUnlessAccepted) {
  ASSERT_THAT(Start(), IsOk());
  AddDataset("rows");
  for (const char* name : {"headscope.sqlite", "store.json"}) std::filesystem::remove(directory_.Child(name));
  EXPECT_THAT(Start(), IsError(StatusCode::kFailedPrecondition, "DATABASE_MISSING"));
  EXPECT_THAT(Start({.accept_older_database = true}), IsOk());
}

TEST_F(StartTest, AStoreFileThatCannotBeReadIsRefused) {
  ASSERT_THAT(Start(), IsOk());
  for (const char* text : {"", "{}", "[1]", "{\"id\": 3, \"generation\": 1}", "{\"id\": \"s\", \"generation\": \"1\"}"}) {
    std::ofstream(directory_.Child("store.json"), std::ios::trunc) << text;
    EXPECT_THAT(Start(), IsError(StatusCode::kFailedPrecondition, "STORE_FILE_DAMAGED")) << text;
  }
}

TEST_F(StartTest, AnOlderSchemaIsMigratedWithACopyBesideIt) {
  Execute("CREATE TABLE schema_version(version INTEGER NOT NULL) STRICT; INSERT INTO schema_version VALUES(6)");
  for (int version = 0; version < 6; ++version) Execute(sqlite::Migrations()[static_cast<std::size_t>(version)]);
  const auto start = Start();
  ASSERT_THAT(start, IsOk());
  EXPECT_EQ(start->former_schema, 6);
  EXPECT_EQ(start->kept_copy, "headscope.sqlite.schema-6.bak");
  Execute("SELECT request_id FROM job", start->kept_copy);
  Execute("SELECT generation FROM store");
  // The copy is older than the folder by now.
  std::filesystem::copy_file(directory_.Child(start->kept_copy), directory_.Child("headscope.sqlite"),
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_THAT(Start(), IsError(StatusCode::kFailedPrecondition, "DATABASE_OLDER"));
}

}  // namespace
}  // namespace headscope::server
