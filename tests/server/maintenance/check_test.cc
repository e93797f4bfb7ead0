#include "server/maintenance/check.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/server/maintenance/folder_fixture.h"

namespace headscope::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CheckTest : public FolderTest {
 protected:
  void SetUp() override { ASSERT_THAT(Start(), IsOk()); }
  std::vector<std::string> Faults() {
    const auto report = CheckDataFolder(directory_.path(), [](const std::string&, std::uint64_t, std::uint64_t) {});
    std::vector<std::string> kinds;
    if (!report.ok()) return {report.status().ToString()};
    for (const Fault& fault : report->faults) kinds.push_back(fault.kind);
    std::sort(kinds.begin(), kinds.end());
    return kinds;
  }
  std::string PathOf(const std::string& blob) { return directory_.Child("blobs/" + blob.substr(0, 2) + "/" + blob); }
};

TEST_F(CheckTest, AWholeFolderHasNoFaults) {
  AddDataset("rows");
  EXPECT_THAT(Faults(), IsEmpty());
}

TEST_F(CheckTest, BlobsAreReadInFull) {
  std::ofstream(PathOf(AddDataset("rows")), std::ios::trunc) << "swor";
  std::ofstream(PathOf(AddDataset("longer rows")), std::ios::trunc) << "shorter";
  std::filesystem::remove(PathOf(AddDataset("gone")));
  EXPECT_THAT(Faults(), ElementsAre("BLOB_DAMAGED", "BLOB_MISSING", "BLOB_SIZE"));
}

TEST_F(CheckTest, CountersReferencesAndRecordsAreCompared) {
  const std::string blob = AddDataset("rows");
  Execute("INSERT INTO label VALUES(7, 'task', 'copy'); DELETE FROM blob;"
          "INSERT INTO preparation(number, project, dataset, append_eos) VALUES(1, 'default', '" + blob + "', 1);"
          "INSERT INTO invalid_reason VALUES(1, 'TOO_LONG', 3);"
          "INSERT INTO job(id, model, model_digest, dataset, compute, reduction, priority, max_attempts, preparation,"
          " samples_total, samples_done, create_time, queue_time)"
          " VALUES('j-x', 'm', x'', '" + blob + "', '{}', '{}', 0, 5, 1, 2, 1, 1, 1)");
  EXPECT_THAT(Faults(), ElementsAre("BLOB_UNRECORDED", "BROKEN_REFERENCE", "WRONG_COUNTER", "WRONG_COUNTER"));
}

TEST_F(CheckTest, StrangeFilesAreNamed) {
  AddDataset("rows");
  std::ofstream(directory_.Child("notes.txt")) << "x";
  std::filesystem::create_directories(directory_.Child("blobs/ab"));
  std::ofstream(directory_.Child("blobs/ab/core")) << "x";
  std::ofstream(directory_.Child("blobs/ab/" + std::string(64, 'b'))) << "x";
  std::ofstream(directory_.Child("blobs/ab/ab" + std::string(62, 'c'))) << "x";
  EXPECT_THAT(Faults(), ElementsAre("UNKNOWN_FILE", "UNKNOWN_FILE", "UNKNOWN_FILE", "UNKNOWN_FILE"));
}

TEST_F(CheckTest, WrongDatabasesAreNamed) {
  Execute("UPDATE store SET generation = 0");
  EXPECT_THAT(Faults(), ElementsAre("DATABASE_OLDER"));
  Execute("UPDATE store SET id = 'store-other', generation = 9");
  EXPECT_THAT(Faults(), ElementsAre("DATABASE_OF_ANOTHER_STORE"));
  std::ofstream(directory_.Child("headscope.sqlite"), std::ios::trunc) << "this is no database";
  EXPECT_THAT(Faults(), ElementsAre("DATABASE_DAMAGED"));
  std::filesystem::remove(directory_.Child("headscope.sqlite"));
  EXPECT_THAT(Faults(), ElementsAre("DATABASE_MISSING"));
}

}  // namespace
}  // namespace headscope::server
