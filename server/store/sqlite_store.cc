#include "server/store/sqlite_store.h"

#include <optional>
#include <utility>

#include "proto/support/error.h"
#include "server/store/sqlite/blobs.h"
#include "server/store/sqlite/catalogue.h"
#include "server/store/sqlite/completion.h"
#include "server/store/sqlite/database.h"
#include "server/store/sqlite/datasets.h"
#include "server/store/sqlite/job_end.h"
#include "server/store/sqlite/jobs.h"
#include "server/store/sqlite/leases.h"
#include "server/store/sqlite/migrations.h"
#include "server/store/sqlite/patterns.h"
#include "server/store/sqlite/preparations.h"
#include "server/store/sqlite/queue.h"
#include "server/store/sqlite/retention.h"
#include "server/store/sqlite/retry.h"
#include "server/store/sqlite/sessions.h"
#include "server/store/sqlite/submit.h"
#include "server/store/sqlite/sweeps.h"
#include "server/store/sqlite/tidy.h"
#include "server/store/sqlite/transaction.h"

namespace headscope::server {
namespace {

using sqlite::Change;

// Every method is one transaction around functions of sqlite/. Thread-compatible.
class SqliteStore : public JobStore {
 public:
  SqliteStore(std::unique_ptr<sqlite::Database> db, const Clock& clock, RandomSource& random,
              const SqliteOptions& options)
      : db_(std::move(db)), clock_(clock), random_(random), disk_(options.disk), options_(options.limits) {}

  absl::Status Resume() {
    return Changing([&](Change& change) {
             sqlite::ForgetWriters(change.db);
             return sqlite::ResumeSessions(change);
           })
        .status();
  }

  absl::Status AnnounceBlob(const std::string& blob, std::uint64_t size) override {
    return sqlite::InTransaction(*db_, [&] { return sqlite::AnnounceBlob(*db_, blob, size); });
  }
  absl::Status GiveUpBlob(const std::string& blob) override {
    return sqlite::InTransaction(*db_, [&] {
      sqlite::GiveUpBlob(*db_, blob);
      return absl::OkStatus();
    });
  }
  absl::StatusOr<std::vector<std::string>> TakeUnusedBlobs(std::size_t limit) override {
    return Freeing([&] {
      return sqlite::InTransaction(*db_, [&]() -> absl::StatusOr<std::vector<std::string>> {
        return sqlite::TakeUnusedBlobs(*db_, limit);
      });
    });
  }
  absl::Status ForgetBlobs(const std::vector<std::string>& blobs) override {
    return sqlite::InTransaction(*db_, [&] {
      sqlite::ForgetBlobs(*db_, blobs);
      return absl::OkStatus();
    });
  }
  absl::StatusOr<std::vector<BlobRecord>> ListBlobs() override {
    return sqlite::Reading(*db_,
                           [&]() -> absl::StatusOr<std::vector<BlobRecord>> { return sqlite::ListBlobs(*db_); });
  }
  absl::Status SetBlobSizes(const std::vector<BlobRecord>& blobs) override {
    return sqlite::InTransaction(*db_, [&] {
      sqlite::SetBlobSizes(*db_, blobs);
      return absl::OkStatus();
    });
  }

  absl::StatusOr<DatasetRecord> PutDataset(const DatasetRecord& record) override {
    return sqlite::InTransaction(*db_, [&] { return sqlite::PutDataset(*db_, record); });
  }
  absl::StatusOr<DatasetRecord> GetDataset(const std::string& digest) override {
    return sqlite::Reading(*db_, [&] { return sqlite::FindDataset(*db_, digest); });
  }
  absl::StatusOr<Page<DatasetRecord>> ListDatasets(const PageRequest& page) override {
    return sqlite::Reading(*db_, [&] { return sqlite::ListDatasets(*db_, page); });
  }
  absl::Status DeleteDataset(const std::string& digest) override {
    return Freeing([&] { return sqlite::InTransaction(*db_, [&] { return sqlite::DeleteDataset(*db_, digest); }); });
  }

  absl::StatusOr<SubmitOutcome> Submit(const NewJob& job) override {
    Change change = NewChange();
    absl::StatusOr<SubmitOutcome> outcome = sqlite::InTransaction(*db_, [&] { return sqlite::Submit(change, job); });
    if (outcome.ok()) outcome->effect = std::move(change.effect);
    return outcome;
  }
  absl::StatusOr<std::optional<Job>> FindSubmitted(const NewJob& job) override {
    return sqlite::Reading(*db_, [&] { return sqlite::FindSubmitted(*db_, job); });
  }
  absl::StatusOr<Job> GetJob(const std::string& id) override {
    absl::StatusOr<sqlite::JobRow> row = sqlite::Reading(*db_, [&] { return sqlite::FindJob(*db_, id); });
    if (!row.ok()) return row.status();
    return std::move(row->job);
  }
  absl::StatusOr<Page<Job>> ListJobs(const JobFilter& filter, const PageRequest& page) override {
    return sqlite::Reading(*db_, [&] { return sqlite::ListJobs(*db_, filter, page); });
  }
  absl::StatusOr<Effect> Cancel(const std::string& id) override {
    return Freeing([&] { return Changing([&](Change& change) { return sqlite::CancelJob(change, id); }); });
  }
  absl::Status DeleteJob(const std::string& id) override {
    return Freeing([&] {
      Change change = NewChange();
      return sqlite::InTransaction(*db_, [&] { return sqlite::DeleteJob(change, id); });
    });
  }
  absl::StatusOr<std::vector<Attempt>> ListAttempts(const std::string& job, std::uint32_t limit) override {
    return sqlite::Reading(*db_, [&] { return sqlite::ListAttempts(*db_, job, limit); });
  }
  absl::StatusOr<Page<InvalidSample>> ListInvalidSamples(const std::string& job, const PageRequest& page) override {
    return sqlite::Reading(*db_, [&] { return sqlite::ListInvalidSamples(*db_, job, page); });
  }
  absl::StatusOr<std::map<std::string, std::uint64_t>> CountInvalidSamples(const std::string& job) override {
    return sqlite::Reading(*db_, [&] { return sqlite::CountInvalidSamples(*db_, job); });
  }
  absl::StatusOr<std::vector<ResultShard>> ResultShards(const std::string& job) override {
    return sqlite::Reading(*db_, [&] { return sqlite::ResultShards(*db_, job); });
  }

  absl::StatusOr<SweepOutcome> SubmitSweep(const NewSweep& sweep) override {
    Change change = NewChange();
    auto outcome = sqlite::InTransaction(*db_, [&] { return sqlite::SubmitSweep(change, sweep); });
    if (outcome.ok()) outcome->effect = std::move(change.effect);
    return outcome;
  }
  absl::StatusOr<std::optional<Sweep>> FindSubmittedSweep(const NewSweep& sweep) override {
    return sqlite::Reading(*db_, [&] { return sqlite::FindSubmittedSweep(*db_, sweep); });
  }
  absl::StatusOr<Sweep> GetSweep(const std::string& id) override {
    return sqlite::Reading(*db_, [&] { return sqlite::FindSweep(*db_, id); });
  }
  absl::StatusOr<Page<Sweep>> ListSweeps(const SweepFilter& filter, const PageRequest& page) override {
    return sqlite::Reading(*db_, [&] { return sqlite::ListSweeps(*db_, filter, page); });
  }
  absl::StatusOr<Effect> CancelSweep(const std::string& id) override {
    return Freeing([&] { return Changing([&](Change& change) { return sqlite::CancelSweep(change, id); }); });
  }
  absl::StatusOr<RetryOutcome> RetrySweep(const std::string& id,
                                          const std::vector<std::string>& model_digests) override {
    Change change = NewChange();
    auto jobs = sqlite::InTransaction(*db_, [&] { return sqlite::RetrySweep(change, id, model_digests); });
    if (!jobs.ok()) return jobs.status();
    return RetryOutcome{*std::move(jobs), std::move(change.effect)};
  }
  absl::StatusOr<Effect> RetryJob(const std::string& id) override {
    return Changing([&](Change& change) { return sqlite::RetryJob(change, id); });
  }
  absl::StatusOr<std::vector<std::string>> DeleteSweep(const std::string& id, bool keep_jobs) override {
    return Freeing([&] {
      Change change = NewChange();
      return sqlite::InTransaction(*db_, [&] { return sqlite::DeleteSweep(change, id, keep_jobs); });
    });
  }

  absl::StatusOr<PatternRecord> ImportPattern(const NewPattern& pattern) override {
    Change change = NewChange();
    return sqlite::InTransaction(*db_, [&] { return sqlite::ImportPattern(change, pattern); });
  }
  absl::StatusOr<PatternRecord> GetPattern(const std::string& id) override {
    return sqlite::Reading(*db_, [&] { return sqlite::FindPattern(*db_, id); });
  }
  absl::StatusOr<Page<PatternRecord>> ListPatterns(const PatternFilter& filter, const PageRequest& page) override {
    return sqlite::Reading(*db_, [&] { return sqlite::ListPatterns(*db_, filter, page); });
  }
  absl::Status DeletePattern(const std::string& id) override {
    return Freeing([&] {
      Change change = NewChange();
      return sqlite::InTransaction(*db_, [&] { return sqlite::DeletePattern(change, id); });
    });
  }

  absl::StatusOr<SessionGrant> OpenSession(const WorkerDescription& worker) override {
    Change change = NewChange();
    absl::StatusOr<SessionRef> session =
        sqlite::InTransaction(*db_, [&] { return sqlite::OpenSession(change, worker); });
    if (!session.ok()) return session.status();
    return SessionGrant{*std::move(session), std::move(change.effect)};
  }
  absl::StatusOr<WorkerDescription> DescribeSession(const SessionRef& session) override {
    return sqlite::Reading(*db_, [&] { return sqlite::DescribeSession(*db_, session); });
  }
  absl::StatusOr<HeartbeatAnswer> Heartbeat(const SessionRef& session,
                                            const std::vector<std::pair<std::string, std::uint64_t>>& held) override {
    Change change = NewChange();
    auto abandon = sqlite::InTransaction(*db_, [&] { return sqlite::Heartbeat(change, session, held); });
    if (!abandon.ok()) return abandon.status();
    return HeartbeatAnswer{*std::move(abandon), std::move(change.effect)};
  }
  absl::StatusOr<Effect> CloseSession(const SessionRef& session) override {
    return Changing([&](Change& change) { return sqlite::CloseSession(change, session); });
  }
  absl::StatusOr<Effect> LoseWorker(const std::string& worker_id) override {
    return Changing([&](Change& change) { return sqlite::LoseWorker(change, worker_id); });
  }

  absl::StatusOr<std::vector<Candidate>> Candidates() override {
    return sqlite::Reading(*db_,
                           [&]() -> absl::StatusOr<std::vector<Candidate>> { return sqlite::Candidates(*db_, Now()); });
  }
  absl::StatusOr<std::optional<Lease>> Claim(const SessionRef& session, const std::string& shard) override {
    Change change = NewChange();
    return sqlite::InTransaction(*db_, [&] { return sqlite::Claim(change, session, shard); });
  }
  absl::StatusOr<Lease> CheckLease(const LeaseKey& lease) override {
    return sqlite::Reading(*db_, [&] { return sqlite::CheckLease(*db_, lease); });
  }
  absl::StatusOr<Effect> CompletePrepare(const LeaseKey& lease, const std::string& model_digest,
                                         const std::vector<PreparedSample>& valid,
                                         const std::vector<InvalidSample>& invalid) override {
    return Changing(
        [&](Change& change) { return sqlite::CompletePrepare(change, lease, model_digest, valid, invalid); });
  }
  absl::StatusOr<Effect> CompleteScore(const LeaseKey& lease, const std::string& blob, std::uint32_t batch_tokens_used,
                                       std::uint64_t response_tokens) override {
    return Changing(
        [&](Change& change) { return sqlite::CompleteScore(change, lease, blob, batch_tokens_used, response_tokens); });
  }
  absl::StatusOr<Effect> Fail(const LeaseKey& lease, const ShardFailure& failure) override {
    return Changing([&](Change& change) { return sqlite::FailLease(change, lease, failure); });
  }
  absl::StatusOr<Effect> Release(const LeaseKey& lease, const std::string& why) override {
    return Changing([&](Change& change) { return sqlite::ReleaseLease(change, lease, why); });
  }
  absl::Status KeepSessions(const std::vector<std::string>& sessions) override {
    Change change = NewChange();
    return sqlite::InTransaction(*db_, [&] {
      sqlite::KeepSessions(change, sessions);
      return absl::OkStatus();
    });
  }
  absl::Status ExtendSessions() override {
    Change change = NewChange();
    return sqlite::InTransaction(*db_, [&] {
      sqlite::ExtendSessions(change);
      return absl::OkStatus();
    });
  }
  absl::Status MoveQueueTimes(absl::Duration by) override {
    return sqlite::InTransaction(*db_, [&] {
      sqlite::MoveQueueTimes(*db_, by);
      return absl::OkStatus();
    });
  }
  absl::StatusOr<Effect> FailJob(const std::string& id, const JobFailure& failure) override {
    return Changing([&](Change& change) { return sqlite::FailJob(change, id, failure); });
  }
  absl::StatusOr<Effect> Reap() override {
    return Changing([&](Change& change) {
      absl::Status reaped = sqlite::ReapSessions(change);
      return reaped.ok() ? sqlite::ExpireJobs(change) : reaped;
    });
  }
  absl::StatusOr<std::optional<absl::Time>> NextRunAfter() override {
    return sqlite::Reading(
        *db_, [&]() -> absl::StatusOr<std::optional<absl::Time>> { return sqlite::NextRunAfter(*db_, Now()); });
  }

  absl::Status PutCatalogue(const std::string& worker_id, const std::vector<CatalogueEntry>& entries) override {
    return sqlite::InTransaction(*db_, [&] {
      sqlite::PutCatalogue(*db_, worker_id, entries);
      return absl::OkStatus();
    });
  }
  absl::StatusOr<std::vector<std::pair<std::string, CatalogueEntry>>> Catalogue() override {
    return sqlite::Reading(*db_, [&]() -> absl::StatusOr<std::vector<std::pair<std::string, CatalogueEntry>>> {
      return sqlite::ReadCatalogue(*db_);
    });
  }

  absl::StatusOr<QueueStats> Stats() override {
    return sqlite::Reading(*db_, [&]() -> absl::StatusOr<QueueStats> { return sqlite::Stats(*db_, Now()); });
  }
  absl::StatusOr<Retired> Retire(const RetentionPolicy& policy, std::size_t limit) override {
    return Freeing([&] {
      Change change = NewChange();
      return sqlite::InTransaction(*db_, [&] { return sqlite::Retire(change, policy, limit); });
    });
  }
  absl::Status Tidy() override { return sqlite::Tidy(*db_); }

 private:
  // What frees room finds some on a full disk too: the reserve's.
  template <typename Operation>
  auto Freeing(Operation operation) -> decltype(operation()) {
    auto result = operation();
    if (ReasonOf(sqlite::StatusOf(result)) != "DISK_FULL" || disk_ == nullptr || !disk_->ReleaseReserve()) return result;
    return operation();
  }

  // The store counts in whole microseconds.
  absl::Time Now() const { return absl::FromUnixMicros(absl::ToUnixMicros(clock_.Now())); }
  Change NewChange() { return Change{*db_, Now(), random_, options_, {}}; }

  // `body` makes a change and returns its status.
  template <typename Body>
  absl::StatusOr<Effect> Changing(Body body) {
    Change change = NewChange();
    absl::Status status = sqlite::InTransaction(*db_, [&]() -> absl::Status { return body(change); });
    if (!status.ok()) return status;
    return std::move(change.effect);
  }

  const std::unique_ptr<sqlite::Database> db_;
  const Clock& clock_;
  RandomSource& random_;
  // Null where there is no reserve.
  DiskSpace* const disk_;
  const StoreOptions options_;
};

absl::StatusOr<std::unique_ptr<JobStore>> Open(const std::string& directory, const Clock& clock, RandomSource& random,
                                               const SqliteOptions& options) {
  absl::StatusOr<std::unique_ptr<sqlite::Database>> db = sqlite::Database::Open(directory, "headscope.sqlite");
  if (!db.ok()) return db.status();
  if (absl::Status migrated = sqlite::Migrate(**db); !migrated.ok()) return migrated;
  if (absl::Status shrunk = sqlite::ShrinkWhenDeleting(**db); !shrunk.ok()) return shrunk;
  sqlite::Database& opened = **db;
  auto store = std::make_unique<SqliteStore>(*std::move(db), clock, random, options);
  if (absl::Status resumed = store->Resume(); !resumed.ok()) return resumed;
  // From here on. What is damaged already is an error of the start.
  opened.WhenDamaged(options.damaged);
  return std::unique_ptr<JobStore>(std::move(store));
}

}  // namespace

absl::StatusOr<std::unique_ptr<JobStore>> OpenSqliteStore(const std::string& directory, const Clock& clock,
                                                          RandomSource& random, const SqliteOptions& options) {
  auto store = Open(directory, clock, random, options);
  if (ReasonOf(store.status()) != "DISK_FULL" || options.disk == nullptr || !options.disk->ReleaseReserve()) return store;
  return Open(directory, clock, random, options);
}

}  // namespace headscope::server
