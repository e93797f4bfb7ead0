// The embedded store keeps the contract of every job store.
#include "server/store/sqlite_store.h"
#include "tests/contract/job_store_contract.h"
#include "tests/fakes/temporary_directory.h"

namespace headscope::server {
namespace {

class SqliteHarness : public JobStoreHarness {
 public:
  absl::StatusOr<std::unique_ptr<JobStore>> Open(const Clock& clock, RandomSource& random,
                                                 const StoreOptions& options) override {
    return OpenSqliteStore(directory_.path(), clock, random, {nullptr, {}, options});
  }

 private:
  TemporaryDirectory directory_;
};

INSTANTIATE_TEST_SUITE_P(Sqlite, JobStoreContract, ::testing::Values([] { return std::make_unique<SqliteHarness>(); }));

}  // namespace
}  // namespace headscope::server
