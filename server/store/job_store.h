// The durable core: jobs, shards, leases and sessions, every change in one transaction.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/jobs/candidate.h"
#include "server/jobs/job.h"
#include "server/jobs/pattern.h"
#include "server/jobs/shard_rules.h"
#include "server/jobs/sweep.h"

namespace headscope::server {

// What a change touched: whom to tell. Jobs are named once.
struct Effect {
  std::vector<std::string> changed_jobs;
  // A shard became leasable: wake waiting workers.
  bool work_available = false;
};

struct SubmitOutcome {
  Job job;
  // False: request_id was seen before with the same request.
  bool created = false;
  Effect effect;
};

struct SweepOutcome {
  Sweep sweep;
  // False: request_id was seen before with the same request.
  bool created = false;
  Effect effect;
};

struct RetryOutcome {
  // Ids of the jobs that are queued again, and of those made anew.
  std::vector<std::string> jobs;
  Effect effect;
};

// Bytes in the blob store, as the store knows of them.
struct BlobRecord {
  // SHA-256 in hex.
  std::string blob;
  // -1: not measured yet, as a former version left it.
  std::int64_t size = 0;
  // Something refers to it.
  bool live = false;
};

// What is retired, and when.
struct RetentionPolicy {
  // Jobs, sweeps and datasets that nobody uses, this long after their end or last use; absent: they are kept until they
  // are deleted. A job's own expire_time comes first.
  std::optional<absl::Duration> keep;
  // Request ids, after what they made was deleted.
  absl::Duration keep_requests = absl::Hours(24);
  // Workers that are gone, and what they said they have.
  absl::Duration keep_workers = absl::Hours(24 * 30);
};

// What one step of retiring has deleted.
struct Retired {
  std::vector<std::string> jobs;
  // There may be more.
  bool more = false;
};

// Opaque: from a former answer to the same question.
struct PageRequest {
  std::uint32_t size = 50;
  std::string token;
};
template <typename T>
struct Page {
  std::vector<T> items;
  std::string next_token;
};

struct JobFilter {
  std::vector<JobState> states;
  std::string model;
  std::map<std::string, std::string> labels;
};

struct SweepFilter {
  std::map<std::string, std::string> labels;
};

// Empty fields: all.
struct PatternFilter {
  enum class Source { kAll, kJob, kImported };
  Source source = Source::kAll;
  std::string model;
  std::string family;
  std::string display_name;
  std::map<std::string, std::string> labels;
};

struct WorkerDescription {
  std::string worker_id;
  std::string boot_id;
  std::string build;
  std::string device;
  // Child of this server process: its session cannot outlive the process.
  bool local = false;
};

struct SessionRef {
  std::string session;
  std::uint64_t epoch = 0;
};

struct SessionGrant {
  SessionRef ref;
  Effect effect;
};

// A lease as its holder names it.
struct LeaseKey {
  SessionRef session;
  std::string shard;
  std::uint64_t fence = 0;
};

// What a heartbeat is answered with.
struct HeartbeatAnswer {
  // Held leases (shard, fence) that are no longer the worker's or whose job is being cancelled: to be stopped.
  std::vector<std::pair<std::string, std::uint64_t>> abandon;
  Effect effect;
};

struct Lease {
  Shard shard;
  JobSpec spec;
};

// A stored result of a SCORE shard.
struct ResultShard {
  std::uint32_t ordinal = 0;
  std::vector<std::uint32_t> samples;
  // SHA-256 in hex of the blob that DecodeScores reads.
  std::string blob;
};

struct QueueStats {
  // By model and priority: jobs that wait for their first SCORE lease (IsWaiting).
  std::map<std::pair<std::string, std::int32_t>, std::uint64_t> depth;
  // By model and priority: shards that wait, of started jobs too.
  std::map<std::pair<std::string, std::int32_t>, std::uint64_t> shards;
  // By model: how long the oldest of these waits.
  std::map<std::string, absl::Duration> oldest_age;
  std::uint64_t leases_active = 0;
  std::uint64_t queued_jobs = 0;
};

// Blocking; called from the store's thread only (StoreExecutor). Errors besides those named: RESOURCE_EXHAUSTED /
// DISK_FULL, INTERNAL when the store is damaged. Stale leases and sessions: ABORTED / STALE_LEASE, ABORTED /
// STALE_SESSION. Time, ids and randomness come from the Clock and RandomSource given at construction.
class JobStore {
 public:
  virtual ~JobStore() = default;

  // --- blobs: who writes one, and which may go (see blob_intake.h and housekeeping.h for the whole protocol)
  // A writer has the bytes of a blob and is about to give them their name; nothing refers to them before they are
  // recorded. UNAVAILABLE / BLOB_GONE: they are being removed at this moment; try again.
  virtual absl::Status AnnounceBlob(const std::string& blob, std::uint64_t size) = 0;
  // The writer does not record what it announced.
  virtual absl::Status GiveUpBlob(const std::string& blob) = 0;
  // At most `limit` blobs that nothing refers to and nobody writes; from now on nothing can refer to them.
  virtual absl::StatusOr<std::vector<std::string>> TakeUnusedBlobs(std::size_t limit) = 0;
  // The files of what TakeUnusedBlobs gave out are gone.
  virtual absl::Status ForgetBlobs(const std::vector<std::string>& blobs) = 0;
  // All of them, ascending.
  virtual absl::StatusOr<std::vector<BlobRecord>> ListBlobs() = 0;
  // What was not measured yet.
  virtual absl::Status SetBlobSizes(const std::vector<BlobRecord>& blobs) = 0;

  // --- datasets (content in the blob store under the same digest)
  // Operations that record a blob (PutDataset, ImportPattern, CompleteScore) want it announced, and when they are OK the
  // announcement is used up. UNAVAILABLE / BLOB_GONE when it was not announced, or is gone since.
  // Idempotent: the first record stays.
  virtual absl::StatusOr<DatasetRecord> PutDataset(const DatasetRecord& record) = 0;
  virtual absl::StatusOr<DatasetRecord> GetDataset(const std::string& digest) = 0;  // NOT_FOUND / DATASET_NOT_FOUND
  virtual absl::StatusOr<Page<DatasetRecord>> ListDatasets(const PageRequest& page) = 0;
  virtual absl::Status DeleteDataset(const std::string& digest) = 0;  // FAILED_PRECONDITION / DATASET_IN_USE

  // --- jobs
  // ALREADY_EXISTS / REQUEST_ID_REUSED, NOT_FOUND / DATASET_NOT_FOUND, RESOURCE_EXHAUSTED / QUEUE_FULL. Plans PREPARE
  // shards; SCORE shards at once, pinning the model, where the dataset's token counts are known from a former job with
  // the same model, or the same tokenizer, positions and vocabulary, and the same options.
  virtual absl::StatusOr<SubmitOutcome> Submit(const NewJob& job) = 0;
  // The job that this request made before: Submit's answer to a repetition, asked for beforehand. Nullopt when it is
  // new. ALREADY_EXISTS / REQUEST_ID_REUSED.
  virtual absl::StatusOr<std::optional<Job>> FindSubmitted(const NewJob& job) = 0;
  virtual absl::StatusOr<Job> GetJob(const std::string& id) = 0;  // NOT_FOUND / JOB_NOT_FOUND
  virtual absl::StatusOr<Page<Job>> ListJobs(const JobFilter& filter, const PageRequest& page) = 0;
  virtual absl::StatusOr<Effect> Cancel(const std::string& id) = 0;
  // A job that has failed, expired or been cancelled (or is being cancelled: its leases end at once) is queued again,
  // under the same pin and plan: what is done stays done, its other shards have their attempts, deaths and back-off
  // behind them, and its wait begins anew. FAILED_PRECONDITION / JOB_NOT_ENDED, JOB_NOT_RETRYABLE (it has succeeded, or
  // its samples would be invalid again), RESOURCE_EXHAUSTED / QUEUE_FULL.
  virtual absl::StatusOr<Effect> RetryJob(const std::string& id) = 0;
  // Ends a job that cannot go on, from outside of its shards; one that has ended, or is being cancelled, is left alone.
  virtual absl::StatusOr<Effect> FailJob(const std::string& id, const JobFailure& failure) = 0;
  // FAILED_PRECONDITION / JOB_NOT_ENDED.
  virtual absl::Status DeleteJob(const std::string& id) = 0;
  // The newest `limit`, oldest first; 0: all.
  virtual absl::StatusOr<std::vector<Attempt>> ListAttempts(const std::string& job, std::uint32_t limit) = 0;
  virtual absl::StatusOr<Page<InvalidSample>> ListInvalidSamples(const std::string& job, const PageRequest& page) = 0;
  virtual absl::StatusOr<std::map<std::string, std::uint64_t>> CountInvalidSamples(
      const std::string& job) = 0;  // by reason
  // Of a SUCCEEDED job, by ordinal: dataset order. FAILED_PRECONDITION / JOB_NOT_SUCCEEDED.
  virtual absl::StatusOr<std::vector<ResultShard>> ResultShards(const std::string& job) = 0;

  // --- sweeps: jobs as above, made, cancelled, retried and deleted together
  // All jobs or none, as Submit makes them. ALREADY_EXISTS / REQUEST_ID_REUSED, NOT_FOUND / DATASET_NOT_FOUND,
  // RESOURCE_EXHAUSTED / QUEUE_FULL.
  virtual absl::StatusOr<SweepOutcome> SubmitSweep(const NewSweep& sweep) = 0;
  // As FindSubmitted.
  virtual absl::StatusOr<std::optional<Sweep>> FindSubmittedSweep(const NewSweep& sweep) = 0;
  virtual absl::StatusOr<Sweep> GetSweep(const std::string& id) = 0;  // NOT_FOUND / SWEEP_NOT_FOUND
  // Newest first, without cells.
  virtual absl::StatusOr<Page<Sweep>> ListSweeps(const SweepFilter& filter, const PageRequest& page) = 0;
  // Cancels the cells that have not ended.
  virtual absl::StatusOr<Effect> CancelSweep(const std::string& id) = 0;
  // Retries the jobs of all cells that need it (NeedsRetry), as RetryJob, and makes new ones where they were deleted:
  // for all or for none. `model_digests` as in NewSweep; a job that has none is pinned to its model's. NOT_FOUND /
  // DATASET_NOT_FOUND, RESOURCE_EXHAUSTED / QUEUE_FULL.
  virtual absl::StatusOr<RetryOutcome> RetrySweep(const std::string& id,
                                                  const std::vector<std::string>& model_digests) = 0;
  // With `keep_jobs` the sweep alone, ended or not; otherwise with every job that was ever made for it, which are
  // returned. FAILED_PRECONDITION / SWEEP_NOT_ENDED.
  virtual absl::StatusOr<std::vector<std::string>> DeleteSweep(const std::string& id, bool keep_jobs) = 0;

  // --- patterns: one of every succeeded job from the moment it succeeds until it is deleted, and imported ones
  // The blob is stored already. ALREADY_EXISTS / REQUEST_ID_REUSED.
  virtual absl::StatusOr<PatternRecord> ImportPattern(const NewPattern& pattern) = 0;
  virtual absl::StatusOr<PatternRecord> GetPattern(const std::string& id) = 0;  // NOT_FOUND / PATTERN_NOT_FOUND
  virtual absl::StatusOr<Page<PatternRecord>> ListPatterns(const PatternFilter& filter, const PageRequest& page) = 0;
  // FAILED_PRECONDITION / PATTERN_OF_JOB.
  virtual absl::Status DeletePattern(const std::string& id) = 0;

  // --- worker sessions
  // Ends a former session of the same worker_id first. Of the same boot_id (the process has lost its connection, not
  // its life) the leases are requeued and nothing counts. Another process has to wait until the former session has
  // expired, which counts as a death: ALREADY_EXISTS / WORKER_ID_IN_USE with that time as retry delay. Local workers
  // need not: their server knows of every process.
  virtual absl::StatusOr<SessionGrant> OpenSession(const WorkerDescription& worker) = 0;
  // Who opened the session, for a server that was started again meanwhile.
  virtual absl::StatusOr<WorkerDescription> DescribeSession(const SessionRef& session) = 0;
  // Extends the session; nothing is written while its row has most of its time left. `held`: the leases (shard, fence) that the worker works on or is handing in. A lease of the
  // session that is not among them ends here: at once where its job is being cancelled (the worker stopped it when it
  // was told to), after two heartbeat intervals otherwise (the answer that granted it was lost); no attempt is counted.
  virtual absl::StatusOr<HeartbeatAnswer> Heartbeat(const SessionRef& session,
                                                    const std::vector<std::pair<std::string, std::uint64_t>>& held) = 0;
  // Ends a session in order: leases are requeued, no attempt is counted.
  virtual absl::StatusOr<Effect> CloseSession(const SessionRef& session) = 0;
  // Ends whatever session `worker_id` has, as a death (a local worker's process ended). No session: nothing happens.
  virtual absl::StatusOr<Effect> LoseWorker(const std::string& worker_id) = 0;

  // --- shards
  // At most one per job: its first leasable shard. Jobs being cancelled have none. Of many jobs of one model, digest
  // and phase only those that the policy would serve first (by priority, leased shards and age).
  virtual absl::StatusOr<std::vector<Candidate>> Candidates() = 0;
  // Nullopt when it is no longer leasable. The statement checks session and state and raises the fence.
  virtual absl::StatusOr<std::optional<Lease>> Claim(const SessionRef& session, const std::string& shard) = 0;
  // Checks that the lease is current and says what it is for: before its results are taken in. A lease whose completion
  // was accepted passes too, with the shard's state kDone, so that repeating that completion can be answered with OK.
  virtual absl::StatusOr<Lease> CheckLease(const LeaseKey& lease) = 0;
  // The completing statement checks the fence. The first PREPARE shard pins the digest. Results of another content than
  // the pinned one are not taken: the shard is queued again, no attempt is counted (compare the job's digest afterwards).
  // The last one plans SCORE shards, or fails the job with INVALID_SAMPLES.
  virtual absl::StatusOr<Effect> CompletePrepare(const LeaseKey& lease, const std::string& model_digest,
                                                 const std::vector<PreparedSample>& valid,
                                                 const std::vector<InvalidSample>& invalid) = 0;
  // `blob` is stored already. Repeating an accepted completion (same shard, fence and blob) is OK.
  virtual absl::StatusOr<Effect> CompleteScore(const LeaseKey& lease, const std::string& blob,
                                               std::uint32_t batch_tokens_used, std::uint64_t response_tokens) = 0;
  virtual absl::StatusOr<Effect> Fail(const LeaseKey& lease, const ShardFailure& failure) = 0;
  // `why`: kept with the attempt.
  virtual absl::StatusOr<Effect> Release(const LeaseKey& lease, const std::string& why = "") = 0;
  // These sessions were heard within their TTL, as memory knows: they live on, also where a heartbeat could not be
  // written (a full disk).
  virtual absl::Status KeepSessions(const std::vector<std::string>& sessions) = 0;
  // Every open session lives for a whole TTL from now: the server itself was away, and heard nobody.
  virtual absl::Status ExtendSessions() = 0;
  // The clock was set, by this much: waits of jobs are counted as if it had always been so.
  virtual absl::Status MoveQueueTimes(absl::Duration by) = 0;
  // Sessions past their time, jobs past queue_ttl. Called about once a second.
  virtual absl::StatusOr<Effect> Reap() = 0;
  // When the earliest back-off ends, for the dispatcher's timer.
  virtual absl::StatusOr<std::optional<absl::Time>> NextRunAfter() = 0;

  // --- catalogue: what workers said they have, the last word per worker
  virtual absl::Status PutCatalogue(const std::string& worker_id, const std::vector<CatalogueEntry>& entries) = 0;
  // Entries of all workers, remembered ones included: worker id, entry.
  virtual absl::StatusOr<std::vector<std::pair<std::string, CatalogueEntry>>> Catalogue() = 0;

  // --- housekeeping
  virtual absl::StatusOr<QueueStats> Stats() = 0;
  // Deletes at most `limit` jobs, sweeps, datasets, request ids and workers that are over, oldest first.
  virtual absl::StatusOr<Retired> Retire(const RetentionPolicy& policy, std::size_t limit) = 0;
  // Gives room of deleted rows back to the disk, and leaves nothing of their text in the files. Takes a moment.
  virtual absl::Status Tidy() = 0;
};

}  // namespace headscope::server
