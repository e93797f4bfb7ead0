// What is particular to the embedded store: its schema, its single connection, and large jobs.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "server/store/page_token.h"
#include "server/store/sqlite/blob_codec.h"
#include "server/store/sqlite/migrations.h"
#include "server/store/sqlite_store.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/seeded_random.h"
#include "tests/fakes/status_matchers.h"
#include "tests/fakes/stored_blobs.h"
#include "tests/fakes/temporary_directory.h"

namespace headscope::server {
namespace {

using absl::StatusCode;

class SqliteStoreTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<JobStore>> Open() { return OpenSqliteStore(directory_.path(), clock_, random_); }
  // Runs SQL beside the store; SQLite's result code.
  int Execute(const char* sql) {
    sqlite3* db = nullptr;
    sqlite3_open(directory_.Child("headscope.sqlite").c_str(), &db);
    const int result = sqlite3_exec(db, sql, nullptr, nullptr, nullptr);
    sqlite3_close(db);
    return result;
  }

  TemporaryDirectory directory_;
  FakeClock clock_;
  SeededRandom random_{1};
};

TEST_F(SqliteStoreTest, AFileOfANewerServerIsRefused) {
  ASSERT_THAT(Open(), IsOk());
  ASSERT_EQ(Execute("INSERT INTO schema_version VALUES(99)"), SQLITE_OK);
  EXPECT_THAT(Open(), IsError(StatusCode::kFailedPrecondition, "SCHEMA_TOO_NEW"));
}

// A backup and a check read beside a server. The folder's lock keeps a second server away, not the file's.
TEST_F(SqliteStoreTest, OthersReadTheFileWhileItIsOpenAndTheStoreGoesOn) {
  const auto store = Open();
  ASSERT_THAT(store, IsOk());
  sqlite3* reader = nullptr;
  ASSERT_EQ(sqlite3_open(directory_.Child("headscope.sqlite").c_str(), &reader), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(reader, "BEGIN; SELECT * FROM job", nullptr, nullptr, nullptr), SQLITE_OK);
  EXPECT_THAT((*store)->AnnounceBlob(std::string(64, 'b'), 1), IsOk());
  sqlite3_close(reader);
}

TEST_F(SqliteStoreTest, TheFileIsItsOwnersAlone) {
  ASSERT_THAT(Open(), IsOk());
  struct stat status {};
  ASSERT_EQ(stat(directory_.Child("headscope.sqlite").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600);
}

// A file as schema 3 left it, with a job that had succeeded, one that is being prepared, and one that is being scored.
TEST_F(SqliteStoreTest, JobsOfAnOlderSchemaGetTheirPatternsAndStates) {
  for (int version = 0; version < 3; ++version) {
    ASSERT_EQ(Execute(sqlite::Migrations()[static_cast<std::size_t>(version)]), SQLITE_OK) << version;
  }
  const std::string digest(64, 'd');
  ASSERT_EQ(
      Execute(("CREATE TABLE schema_version(version INTEGER NOT NULL) STRICT; INSERT INTO schema_version VALUES(3);"
               "INSERT INTO dataset VALUES(1, '" + digest + "', 1, 1, 'rows', 5);"
               "INSERT INTO preparation(number, dataset, append_eos) VALUES(1, '" + digest + "', 1);"
               "INSERT INTO job(number, id, request_id, request_hash, state, model, model_digest, dataset, compute,"
               " reduction, priority, max_attempts, preparation, samples_total, samples_done, create_time, end_time)"
               " VALUES(7, 'j-done', 'request', x'01', 'SUCCEEDED', 'model', x'02', '" + digest +
               "', '{}', '{}', 0, 5, 1, 1, 1, 10, 20);"
               "INSERT INTO label VALUES(7, 'task', 'copy');"
               "INSERT INTO job(number, id, request_hash, state, model, model_digest, dataset, compute, reduction,"
               " priority, max_attempts, preparation, samples_total, create_time)"
               " VALUES(8, 'j-prepares', x'', 'RUNNING', 'model', x'', '" + digest + "', '{}', '{}', 0, 5, 1, 1, 10),"
               " (9, 'j-scores', x'', 'RUNNING', 'model', x'', '" + digest + "', '{}', '{}', 0, 5, 1, 1, 10);"
               "INSERT INTO attempt(job, phase, shard, worker, device, build, start_time) VALUES"
               " (8, 'PREPARE', 0, 'w', '', '', 11), (9, 'SCORE', 0, 'w', '', '', 11)")
                  .c_str()),
      SQLITE_OK);
  const auto store = Open();
  ASSERT_THAT(store, IsOk());
  const auto pattern = (*store)->GetPattern("p-done");
  ASSERT_THAT(pattern, IsOk());
  EXPECT_EQ(pattern->job, "j-done");
  EXPECT_EQ(pattern->samples, 1u);
  EXPECT_EQ(pattern->labels, (std::map<std::string, std::string>{{"task", "copy"}}));
  EXPECT_EQ(pattern->facts.layers, 0u) << "not known any more";
  EXPECT_EQ((*store)->GetJob("j-prepares")->state, JobState::kPreparing);
  EXPECT_EQ((*store)->GetJob("j-scores")->state, JobState::kRunning);
  NewJob repeated;
  repeated.spec.dataset = digest;
  repeated.request_id = "request";
  repeated.request_hash = std::string(1, '\1');
  EXPECT_EQ((*store)->Submit(repeated)->job.id, "j-done");
}

// What a rebuilt table's rows refer to is checked: the file stays as it was.
TEST_F(SqliteStoreTest, AFileWhoseRowsReferToNothingIsNotMigrated) {
  for (int version = 0; version < 6; ++version) {
    ASSERT_EQ(Execute(sqlite::Migrations()[static_cast<std::size_t>(version)]), SQLITE_OK) << version;
  }
  ASSERT_EQ(Execute("CREATE TABLE schema_version(version INTEGER NOT NULL) STRICT;"
                    "INSERT INTO schema_version VALUES(6); INSERT INTO label VALUES(7, 'task', 'copy')"),
            SQLITE_OK);
  EXPECT_THAT(Open(), IsError(StatusCode::kDataLoss, ""));
  EXPECT_EQ(Execute("SELECT request_id FROM job"), SQLITE_OK) << "still schema 6";
}

TEST_F(SqliteStoreTest, AMillionSamplesArePreparedAndPlanned) {
  constexpr std::uint64_t kSamples = 1'000'000;
  const auto store = *Open();
  DatasetRecord record;
  record.digest = std::string(64, 'd');
  record.sample_count = kSamples;
  ASSERT_THAT((Announced(*store, record.digest), store->PutDataset(record)), IsOk());
  NewJob job;
  job.spec.model = "model";
  job.spec.dataset = record.digest;
  job.spec.compute.on_invalid = OnInvalid::kSkip;
  const std::string id = store->Submit(job)->job.id;
  const SessionRef session = store->OpenSession({"w", "boot", "", "", false})->ref;
  while (!store->GetJob(id)->prepared) {
    const auto lease = store->Claim(session, store->Candidates()->front().shard);
    ASSERT_THAT(lease, IsOk());
    ASSERT_TRUE(lease->has_value());
    std::vector<PreparedSample> valid;
    std::vector<InvalidSample> invalid;
    for (const std::uint32_t sample : (*lease)->shard.samples) {
      if (sample % 10 == 0) {
        invalid.push_back({sample, "id", "TOO_LONG", "too long"});
      } else {
        valid.push_back({sample, 100, 50});
      }
    }
    const LeaseKey key{session, (*lease)->shard.id, (*lease)->shard.fence};
    ASSERT_THAT(store->CompletePrepare(key, std::string(32, 'm'), valid, invalid), IsOk());
  }
  const Job prepared = *store->GetJob(id);
  EXPECT_EQ(prepared.counts.samples_total, 900'000);
  EXPECT_EQ(prepared.counts.invalid_samples, 100'000);
  EXPECT_EQ(prepared.counts.tokens_total, 90'000'000);
  // 327 samples of 100 tokens fit a shard until 32 such shards are left; those are cut finer towards the end.
  EXPECT_EQ(store->Stats()->shards.at({"model", 0}), 2882);
  const auto page = store->ListInvalidSamples(id, {1000, ""});
  ASSERT_THAT(page, IsOk());
  EXPECT_EQ(page->items.back().index, 9990);
}

TEST(BlobCodecTest, PositionsComeBack) {
  const std::vector<std::vector<std::uint32_t>> lists = {
      {}, {7}, {3, 4, 5, 6}, {1, 3, 4}, {4'000'000'000u, 4'000'000'001u}};
  for (const std::vector<std::uint32_t>& list : lists)
    EXPECT_EQ(*sqlite::DecodePositions(sqlite::EncodePositions(list)), list);
  std::vector<std::uint32_t> neighbours(4096);
  for (std::uint32_t i = 0; i < neighbours.size(); ++i) neighbours[i] = i + 5;
  EXPECT_LT(sqlite::EncodePositions(neighbours).size(), 16);
}

TEST(BlobCodecTest, DamagedBytesAreNoticed) {
  for (const char* bytes : {"", "x", "R123", "R1234", "Q1234", "L12345"}) {
    EXPECT_THAT(sqlite::DecodePositions(bytes), IsError(StatusCode::kDataLoss, "")) << bytes;
  }
  std::vector<PreparedSample> samples;
  EXPECT_THAT(sqlite::DecodePrepared("12345", samples), IsError(StatusCode::kDataLoss, ""));
  EXPECT_THAT(sqlite::DecodePrepared("another layout", samples), IsError(StatusCode::kDataLoss, ""));
  std::string later = sqlite::EncodePrepared({{1, 2, 3}});
  ++later[0];
  EXPECT_THAT(sqlite::DecodePrepared(later, samples), IsError(StatusCode::kDataLoss, ""));
}

TEST(BlobCodecTest, TokenCountsComeBackAlsoAsAnEarlierReleaseStoredThem) {
  const std::string written = sqlite::EncodePrepared({{7, 8, 3}, {9, 10, 4}});
  std::vector<PreparedSample> samples;
  ASSERT_TRUE(sqlite::DecodePrepared(written, samples).ok());
  ASSERT_TRUE(sqlite::DecodePrepared(written.substr(1), samples).ok());
  ASSERT_EQ(samples.size(), 4);
  for (const std::size_t i : {0, 2}) {
    EXPECT_EQ(samples[i].index, 7);
    EXPECT_EQ(samples[i + 1].prompt_tokens, 4);
  }
  EXPECT_TRUE(sqlite::DecodePrepared(sqlite::EncodePrepared({}), samples).ok());
  EXPECT_EQ(samples.size(), 4);
}

TEST(PageTokenTest, AreSafeInUrlsAndBoundToTheQuestion) {
  const std::string token = MakePageToken("question", -17);
  EXPECT_EQ(token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_="),
            std::string::npos);
  EXPECT_EQ(*ReadPageToken("question", token, 0), -17);
  EXPECT_EQ(*ReadPageToken("question", "", 4), 4);
  EXPECT_THAT(ReadPageToken("another", token, 0), IsError(StatusCode::kInvalidArgument, "BAD_PAGE_TOKEN"));
}

TEST(PageTokenTest, SizesAreCoerced) {
  EXPECT_EQ(EffectivePageSize(0), 50);
  EXPECT_EQ(EffectivePageSize(7), 7);
  EXPECT_EQ(EffectivePageSize(1'000'000), 1000);
}

}  // namespace
}  // namespace headscope::server
