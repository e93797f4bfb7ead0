// The client of a Headscope server: plain values in, plain values out; no gRPC or protobuf types.
//
//   auto client = headscope::client::Client::Connect("127.0.0.1:50051");
//   if (!client.ok()) ...
//   auto models = (*client)->ListModels();
//
// Errors are what the server answered, with its reason and field violations (proto/support/error.h). UNAVAILABLE
// without a reason means that no server was reached.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/headscope/analysis.h"
#include "client/headscope/dataset.h"
#include "client/headscope/job.h"
#include "client/headscope/model.h"
#include "client/headscope/pattern.h"
#include "client/headscope/scores.h"
#include "client/headscope/sweep.h"

namespace headscope::client {

struct ClientOptions {
  // How long a connection may take to come up.
  absl::Duration connect_timeout = absl::Seconds(5);
  // Deadline of every unary call, its retries included.
  absl::Duration call_timeout = absl::Seconds(30);
  // Deadline of a call that computes from patterns.
  absl::Duration analysis_timeout = absl::Minutes(15);
  // Deadline of Tokenize, which waits for a worker.
  absl::Duration tokenize_timeout = absl::Minutes(2);
  // A stream on which nothing arrives for this long is broken off and resumed. Above the server's heartbeat (15 s).
  absl::Duration stream_idle_timeout = absl::Seconds(45);
  // Between tries to resume a broken stream: doubled each time, up to the maximum.
  absl::Duration initial_backoff = absl::Milliseconds(250);
  absl::Duration max_backoff = absl::Seconds(5);
  // Resuming is given up when nothing has arrived for this long.
  absl::Duration give_up_after = absl::Seconds(60);
};

// Hooks into a call that takes long. All are called on the calling thread.
struct LongCall {
  // Asked about ten times a second; false ends the call with CANCELLED. The job is not affected.
  std::function<bool()> keep_going;
  // A broken connection: why, and when it is tried again.
  std::function<void(const absl::Status& why, absl::Duration delay)> on_retry;
};

// Thread-safe. Calls block; each takes at most the deadlines of ClientOptions.
class Client {
 public:
  // `address` is HOST:PORT or any gRPC target. UNAVAILABLE when nobody answers there within connect_timeout.
  static absl::StatusOr<std::unique_ptr<Client>> Connect(const std::string& address, const ClientOptions& options = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  absl::StatusOr<std::vector<Model>> ListModels();
  absl::StatusOr<Model> GetModel(const std::string& name);
  absl::StatusOr<Tokens> Tokenize(const TokenizeRequest& request, const LongCall& hooks = {});

  // Streams all samples; a sample without id gets its 1-based position. The server's digest must equal the one computed
  // here (DATA_LOSS otherwise). A broken upload starts again from the first sample. `display_name` is cut to 256 bytes
  // of UTF-8.
  absl::StatusOr<Dataset> UploadDataset(SampleSource& samples, const std::string& display_name,
                                        const LongCall& hooks = {});
  absl::StatusOr<Dataset> GetDataset(const std::string& id);
  // Newest first.
  absl::StatusOr<std::vector<Dataset>> ListDatasets();
  absl::Status DeleteDataset(const std::string& id);

  // Queues a job. Safe to retry, and retried: the request id is drawn once per call.
  absl::StatusOr<Job> SubmitJob(const JobRequest& request);
  absl::StatusOr<Job> GetJob(const std::string& id);
  absl::StatusOr<std::vector<Job>> ListJobs(const JobFilter& filter);
  absl::StatusOr<Job> CancelJob(const std::string& id);
  // Lets one go on that has failed, expired or been cancelled: what is done stays done.
  absl::StatusOr<Job> RetryJob(const std::string& id);
  absl::Status DeleteJob(const std::string& id);
  // Follows a job until it ends and returns it then. Resumes a broken connection after the last sequence seen.
  absl::StatusOr<Job> WatchJob(const std::string& id, const std::function<void(const JobUpdate&)>& on_update,
                               const LongCall& hooks = {});
  absl::StatusOr<std::vector<InvalidSample>> ListInvalidSamples(const std::string& job);

  // Queues a job for every model on every dataset, all or none. Safe to retry, and retried: the request id is drawn
  // once per call.
  absl::StatusOr<Sweep> SubmitSweep(const SweepRequest& request);
  absl::StatusOr<Sweep> GetSweep(const std::string& id);
  // Newest first, those that carry all of these labels; at most `limit`, 0: all.
  absl::StatusOr<std::vector<Sweep>> ListSweeps(const std::map<std::string, std::string>& labels, std::size_t limit);
  // Every cell that has not ended.
  absl::StatusOr<Sweep> CancelSweep(const std::string& id);
  // Lets the cells go on that failed, expired or were cancelled, and makes new jobs for those that were deleted.
  absl::StatusOr<Sweep> RetrySweep(const std::string& id);
  // One that has ended with its jobs, or with `keep_jobs` the sweep alone.
  absl::Status DeleteSweep(const std::string& id, bool keep_jobs);
  // Asks after a sweep, at most once a second, until it has ended, and returns it then. A broken connection is tried
  // again.
  absl::StatusOr<Sweep> FollowSweep(const std::string& id, const std::function<void(const Sweep&)>& on_update,
                                    const LongCall& hooks = {});

  // Of a pattern or a job. Without a reduction: the one in the job's spec.
  absl::StatusOr<Pattern> GetPattern(const std::string& id, const std::optional<ReductionOptions>& reduction);
  // Newest first, without values: jobs' and imported ones.
  absl::StatusOr<std::vector<Pattern>> ListPatterns(const PatternFilter& filter);
  // Safe to retry, and retried: the request id is drawn once per call.
  absl::StatusOr<Pattern> ImportPattern(const PatternImport& import);
  // Imported ones only: a job's pattern goes with the job.
  absl::Status DeletePattern(const std::string& id);

  // What is computed from patterns. All patterns of a call have one shape; matrices travel with the request, 4 MiB in
  // all.
  absl::StatusOr<Description> DescribePattern(const PatternReference& pattern, const DescribeOptions& options,
                                              const LongCall& hooks = {});
  absl::StatusOr<Comparison> ComparePatterns(const std::vector<PatternReference>& patterns,
                                             const CompareOptions& options, const LongCall& hooks = {});
  absl::StatusOr<Decomposition> DecomposePattern(const PatternReference& target,
                                                 const std::vector<PatternReference>& basis,
                                                 const DecomposeOptions& options, const LongCall& hooks = {});
  absl::StatusOr<std::vector<TrackPoint>> TrackPatterns(const std::vector<PatternReference>& patterns,
                                                        const TrackOptions& options, const LongCall& hooks = {});
  // Streams the pool's rows; nothing of them is kept.
  absl::StatusOr<Ranking> RankSamples(const PatternReference& target, PoolSource& pool, const RankOptions& options,
                                      const LongCall& hooks = {});
  // The samples of a job that the server has.
  absl::StatusOr<Ranking> RankSamples(const PatternReference& target, const std::string& pool_job,
                                      const std::optional<ReductionOptions>& pool_reduction,
                                      const RankOptions& options);
  absl::StatusOr<std::vector<MixtureShare>> PlanMixture(const std::vector<MixtureComponent>& components,
                                                        std::uint64_t budget);

  // Hands the result file to `sink` piece by piece, in order. Every piece's CRC-32C and the whole file's SHA-256 are
  // checked; a broken stream is resumed where it ended. An error of `sink` ends the call. DATA_LOSS when the checksums
  // do not hold.
  absl::Status ReadResult(const std::string& job, const std::function<absl::Status(std::string_view)>& sink,
                          const LongCall& hooks = {});
  // The same, parsed.
  absl::StatusOr<Scores> ReadScores(const std::string& job, const LongCall& hooks = {});

  // "SERVING", "NOT_SERVING" or "UNKNOWN", as grpc.health.v1 says of `service` (empty: the whole server).
  absl::StatusOr<std::string> Health(const std::string& service);

 private:
  struct Impl;
  explicit Client(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace headscope::client
