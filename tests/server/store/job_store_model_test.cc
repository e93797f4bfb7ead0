// The embedded store against the reference model, under random operations, restarts and power cuts.
//
// HEADSCOPE_MODEL_SEED=<n> plays one seed only; HEADSCOPE_MODEL_SEEDS and HEADSCOPE_MODEL_STEPS play more of them.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/store/sqlite_store.h"
#include "tests/fakes/temporary_directory.h"
#include "tests/server/store/model_driver.h"

namespace headscope::server {
namespace {

namespace fs = std::filesystem;

std::uint64_t FromEnvironment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// Data directories of one run: a new copy after every power cut.
class Disk {
 public:
  Disk() { fs::create_directory(path_); }

  std::unique_ptr<JobStore> Reopen(bool power_cut, std::unique_ptr<JobStore> former, const Clock& clock,
                                   RandomSource& random) {
    if (power_cut) {
      // Copied while open: what the files hold when the process is gone at once.
      const std::string next = root_.Child(absl::StrCat(++copies_));
      fs::create_directory(next);
      for (const auto& file : fs::directory_iterator(path_)) {
        fs::copy_file(file.path(), fs::path(next) / file.path().filename());
      }
      path_ = next;
    }
    former.reset();
    auto store = OpenSqliteStore(path_, clock, random);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }

  // What SQLite says of the file itself, and of the counters that triggers keep.
  std::string Faults() const {
    sqlite3* db = nullptr;
    sqlite3_open(absl::StrCat(path_, "/headscope.sqlite").c_str(), &db);
    const std::string faults =
        First(db, "PRAGMA integrity_check") +
        First(db,
              "SELECT 'ok' WHERE NOT EXISTS (SELECT 1 FROM job WHERE"
              " queued_shards <> (SELECT COUNT(*) FROM shard WHERE job = number AND state = 'QUEUED') OR"
              " leased_shards <> (SELECT COUNT(*) FROM shard WHERE job = number AND state = 'LEASED'))");
    sqlite3_close(db);
    return faults == "okok" ? "" : faults;
  }

 private:
  static std::string First(sqlite3* db, const char* sql) {
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v2(db, sql, -1, &statement, nullptr);
    std::string text = "nothing";
    if (sqlite3_step(statement) == SQLITE_ROW) {
      text = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    }
    sqlite3_finalize(statement);
    return text;
  }

  TemporaryDirectory root_;
  std::string path_ = root_.Child("0");
  int copies_ = 0;
};

void Play(std::uint64_t seed, std::uint64_t steps) {
  Disk disk;
  {
    ModelDriver driver(seed,
                       [&](bool power_cut, std::unique_ptr<JobStore> former, const Clock& clock, RandomSource& random) {
                         return disk.Reopen(power_cut, std::move(former), clock, random);
                       });
    for (std::uint64_t step = 0; step < steps && driver.fault().empty(); ++step) driver.Step();
    if (driver.fault().empty()) driver.Drain();
    ASSERT_EQ(driver.fault(), "") << "seed " << seed << "; again with HEADSCOPE_MODEL_SEED=" << seed << "\n"
                                  << absl::StrJoin(driver.history(), "\n");
  }
  EXPECT_EQ(disk.Faults(), "") << "seed " << seed;
}

TEST(JobStoreModelTest, TheStoreDoesWhatTheReferenceModelDoes) {
  const std::uint64_t steps = FromEnvironment("HEADSCOPE_MODEL_STEPS", 250);
  const std::uint64_t only = FromEnvironment("HEADSCOPE_MODEL_SEED", 0);
  const std::uint64_t seeds = FromEnvironment("HEADSCOPE_MODEL_SEEDS", 40);
  const std::uint64_t first = only == 0 ? 1 : only;
  const std::uint64_t last = only == 0 ? seeds : only;
  std::printf("seeds %llu to %llu, %llu steps each\n", static_cast<unsigned long long>(first),
              static_cast<unsigned long long>(last), static_cast<unsigned long long>(steps));
  for (std::uint64_t seed = first; seed <= last && !::testing::Test::HasFailure(); ++seed) Play(seed, steps);
}

}  // namespace
}  // namespace headscope::server
