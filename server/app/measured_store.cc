#include "server/app/measured_store.h"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace headscope::server {
namespace {

absl::StatusCode CodeOf(const absl::Status& status) { return status.code(); }
template <typename T>
absl::StatusCode CodeOf(const absl::StatusOr<T>& result) {
  return result.status().code();
}

class MeasuredStore final : public JobStore {
 public:
  MeasuredStore(JobStore& store, Metrics& metrics) : store_(store), metrics_(metrics) {}

  absl::Status AnnounceBlob(const std::string& blob, std::uint64_t size) override {
    return Time("announce_blob", [&] { return store_.AnnounceBlob(blob, size); });
  }
  absl::Status GiveUpBlob(const std::string& blob) override {
    return Time("give_up_blob", [&] { return store_.GiveUpBlob(blob); });
  }
  absl::StatusOr<std::vector<std::string>> TakeUnusedBlobs(std::size_t limit) override {
    return Time("take_unused_blobs", [&] { return store_.TakeUnusedBlobs(limit); });
  }
  absl::Status ForgetBlobs(const std::vector<std::string>& blobs) override {
    return Time("forget_blobs", [&] { return store_.ForgetBlobs(blobs); });
  }
  absl::StatusOr<std::vector<BlobRecord>> ListBlobs() override {
    return Time("list_blobs", [&] { return store_.ListBlobs(); });
  }
  absl::Status SetBlobSizes(const std::vector<BlobRecord>& blobs) override {
    return Time("set_blob_sizes", [&] { return store_.SetBlobSizes(blobs); });
  }
  absl::StatusOr<DatasetRecord> PutDataset(const DatasetRecord& record) override {
    return Time("put_dataset", [&] { return store_.PutDataset(record); });
  }
  absl::StatusOr<DatasetRecord> GetDataset(const std::string& digest) override {
    return Time("get_dataset", [&] { return store_.GetDataset(digest); });
  }
  absl::StatusOr<Page<DatasetRecord>> ListDatasets(const PageRequest& page) override {
    return Time("list_datasets", [&] { return store_.ListDatasets(page); });
  }
  absl::Status DeleteDataset(const std::string& digest) override {
    return Time("delete_dataset", [&] { return store_.DeleteDataset(digest); });
  }
  absl::StatusOr<SubmitOutcome> Submit(const NewJob& job) override {
    return Time("submit", [&] { return store_.Submit(job); });
  }
  absl::StatusOr<std::optional<Job>> FindSubmitted(const NewJob& job) override {
    return Time("find_submitted", [&] { return store_.FindSubmitted(job); });
  }
  absl::StatusOr<Job> GetJob(const std::string& id) override {
    return Time("get_job", [&] { return store_.GetJob(id); });
  }
  absl::StatusOr<Page<Job>> ListJobs(const JobFilter& filter, const PageRequest& page) override {
    return Time("list_jobs", [&] { return store_.ListJobs(filter, page); });
  }
  absl::StatusOr<Effect> Cancel(const std::string& id) override {
    return Time("cancel", [&] { return store_.Cancel(id); });
  }
  absl::StatusOr<Effect> RetryJob(const std::string& id) override {
    return Time("retry_job", [&] { return store_.RetryJob(id); });
  }
  absl::StatusOr<Effect> FailJob(const std::string& id, const JobFailure& failure) override {
    return Time("fail_job", [&] { return store_.FailJob(id, failure); });
  }
  absl::Status DeleteJob(const std::string& id) override {
    return Time("delete_job", [&] { return store_.DeleteJob(id); });
  }
  absl::StatusOr<SweepOutcome> SubmitSweep(const NewSweep& sweep) override {
    return Time("submit_sweep", [&] { return store_.SubmitSweep(sweep); });
  }
  absl::StatusOr<std::optional<Sweep>> FindSubmittedSweep(const NewSweep& sweep) override {
    return Time("find_submitted_sweep", [&] { return store_.FindSubmittedSweep(sweep); });
  }
  absl::StatusOr<Sweep> GetSweep(const std::string& id) override {
    return Time("get_sweep", [&] { return store_.GetSweep(id); });
  }
  absl::StatusOr<Page<Sweep>> ListSweeps(const SweepFilter& filter, const PageRequest& page) override {
    return Time("list_sweeps", [&] { return store_.ListSweeps(filter, page); });
  }
  absl::StatusOr<Effect> CancelSweep(const std::string& id) override {
    return Time("cancel_sweep", [&] { return store_.CancelSweep(id); });
  }
  absl::StatusOr<RetryOutcome> RetrySweep(const std::string& id,
                                          const std::vector<std::string>& model_digests) override {
    return Time("retry_sweep", [&] { return store_.RetrySweep(id, model_digests); });
  }
  absl::StatusOr<std::vector<std::string>> DeleteSweep(const std::string& id, bool keep_jobs) override {
    return Time("delete_sweep", [&] { return store_.DeleteSweep(id, keep_jobs); });
  }
  absl::StatusOr<PatternRecord> ImportPattern(const NewPattern& pattern) override {
    return Time("import_pattern", [&] { return store_.ImportPattern(pattern); });
  }
  absl::StatusOr<PatternRecord> GetPattern(const std::string& id) override {
    return Time("get_pattern", [&] { return store_.GetPattern(id); });
  }
  absl::StatusOr<Page<PatternRecord>> ListPatterns(const PatternFilter& filter, const PageRequest& page) override {
    return Time("list_patterns", [&] { return store_.ListPatterns(filter, page); });
  }
  absl::Status DeletePattern(const std::string& id) override {
    return Time("delete_pattern", [&] { return store_.DeletePattern(id); });
  }
  absl::StatusOr<std::vector<Attempt>> ListAttempts(const std::string& job, std::uint32_t limit) override {
    return Time("list_attempts", [&] { return store_.ListAttempts(job, limit); });
  }
  absl::StatusOr<Page<InvalidSample>> ListInvalidSamples(const std::string& job, const PageRequest& page) override {
    return Time("list_invalid_samples", [&] { return store_.ListInvalidSamples(job, page); });
  }
  absl::StatusOr<std::map<std::string, std::uint64_t>> CountInvalidSamples(const std::string& job) override {
    return Time("count_invalid_samples", [&] { return store_.CountInvalidSamples(job); });
  }
  absl::StatusOr<std::vector<ResultShard>> ResultShards(const std::string& job) override {
    return Time("result_shards", [&] { return store_.ResultShards(job); });
  }
  absl::StatusOr<SessionGrant> OpenSession(const WorkerDescription& worker) override {
    return Time("open_session", [&] { return store_.OpenSession(worker); });
  }
  absl::StatusOr<WorkerDescription> DescribeSession(const SessionRef& session) override {
    return Time("describe_session", [&] { return store_.DescribeSession(session); });
  }
  absl::StatusOr<HeartbeatAnswer> Heartbeat(const SessionRef& session,
                                            const std::vector<std::pair<std::string, std::uint64_t>>& held) override {
    return Time("heartbeat", [&] { return store_.Heartbeat(session, held); });
  }
  absl::StatusOr<Effect> CloseSession(const SessionRef& session) override {
    return Time("close_session", [&] { return store_.CloseSession(session); });
  }
  absl::StatusOr<Effect> LoseWorker(const std::string& worker_id) override {
    return Time("lose_worker", [&] { return store_.LoseWorker(worker_id); });
  }
  absl::StatusOr<std::vector<Candidate>> Candidates() override {
    return Time("candidates", [&] { return store_.Candidates(); });
  }
  absl::StatusOr<std::optional<Lease>> Claim(const SessionRef& session, const std::string& shard) override {
    return Time("claim", [&] { return store_.Claim(session, shard); });
  }
  absl::StatusOr<Lease> CheckLease(const LeaseKey& lease) override {
    return Time("check_lease", [&] { return store_.CheckLease(lease); });
  }
  absl::StatusOr<Effect> CompletePrepare(const LeaseKey& lease, const std::string& model_digest,
                                         const std::vector<PreparedSample>& valid,
                                         const std::vector<InvalidSample>& invalid) override {
    return Time("complete_prepare", [&] { return store_.CompletePrepare(lease, model_digest, valid, invalid); });
  }
  absl::StatusOr<Effect> CompleteScore(const LeaseKey& lease, const std::string& blob, std::uint32_t batch_tokens_used,
                                       std::uint64_t response_tokens) override {
    return Time("complete_score",
                [&] { return store_.CompleteScore(lease, blob, batch_tokens_used, response_tokens); });
  }
  absl::StatusOr<Effect> Fail(const LeaseKey& lease, const ShardFailure& failure) override {
    return Time("fail", [&] { return store_.Fail(lease, failure); });
  }
  absl::StatusOr<Effect> Release(const LeaseKey& lease, const std::string& why) override {
    return Time("release", [&] { return store_.Release(lease, why); });
  }
  absl::Status KeepSessions(const std::vector<std::string>& sessions) override {
    return Time("keep_sessions", [&] { return store_.KeepSessions(sessions); });
  }
  absl::Status ExtendSessions() override {
    return Time("extend_sessions", [&] { return store_.ExtendSessions(); });
  }
  absl::Status MoveQueueTimes(absl::Duration by) override {
    return Time("move_queue_times", [&] { return store_.MoveQueueTimes(by); });
  }
  absl::StatusOr<Effect> Reap() override {
    return Time("reap", [&] { return store_.Reap(); });
  }
  absl::StatusOr<std::optional<absl::Time>> NextRunAfter() override {
    return Time("next_run_after", [&] { return store_.NextRunAfter(); });
  }
  absl::Status PutCatalogue(const std::string& worker_id, const std::vector<CatalogueEntry>& entries) override {
    return Time("put_catalogue", [&] { return store_.PutCatalogue(worker_id, entries); });
  }
  absl::StatusOr<std::vector<std::pair<std::string, CatalogueEntry>>> Catalogue() override {
    return Time("catalogue", [&] { return store_.Catalogue(); });
  }
  absl::StatusOr<QueueStats> Stats() override {
    return Time("stats", [&] { return store_.Stats(); });
  }
  absl::StatusOr<Retired> Retire(const RetentionPolicy& policy, std::size_t limit) override {
    return Time("retire", [&] { return store_.Retire(policy, limit); });
  }
  absl::Status Tidy() override {
    return Time("tidy", [&] { return store_.Tidy(); });
  }

 private:
  template <typename Operation>
  std::invoke_result_t<Operation> Time(const char* name, Operation operation) {
    const auto start = std::chrono::steady_clock::now();
    std::invoke_result_t<Operation> result = operation();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    metrics_.StoreOperation(name, CodeOf(result), seconds.count());
    return result;
  }

  JobStore& store_;
  Metrics& metrics_;
};

}  // namespace

std::unique_ptr<JobStore> MeasureStore(JobStore& store, Metrics& metrics) {
  return std::make_unique<MeasuredStore>(store, metrics);
}

}  // namespace headscope::server
