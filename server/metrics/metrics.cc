#include "server/metrics/metrics.h"

#include <array>

#include "absl/base/thread_annotations.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "server/metrics/labelled.h"

namespace headscope::server {
namespace {

using Counters = Labelled<prometheus::Counter>;
using Gauges = Labelled<prometheus::Gauge>;
using Histograms = Labelled<prometheus::Histogram>;
using Registry = prometheus::Registry;
using Buckets = std::vector<double>;

const char* NameOf(RpcType type) {
  switch (type) {
    case RpcType::kUnary:
      return "unary";
    case RpcType::kClientStream:
      return "client_stream";
    case RpcType::kServerStream:
      return "server_stream";
  }
  return "unary";
}

// As grpc-prometheus writes them; the index is the code.
constexpr std::array<const char*, 17> kCodes = {
    "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
    "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
    "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
    "DataLoss", "Unauthenticated"};

std::string NameOf(absl::StatusCode code) {
  const auto index = static_cast<std::size_t>(code);
  return index < kCodes.size() ? kCodes[index] : "Unknown";
}

// Seconds in steps of 1, 2.5, 5 up to six hours.
Buckets LongBuckets(double first) {
  Buckets buckets;
  for (const double bucket : {0.01, 0.025, 0.05,  0.1,   0.25,  0.5,    1.0,    2.5,    5.0,     10.0,
                              25.0, 50.0,  100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, 10000.0, 21600.0}) {
    if (bucket >= first) buckets.push_back(bucket);
  }
  return buckets;
}
const Buckets& HandlingBuckets() {
  static const Buckets& buckets = *new Buckets{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
  return buckets;
}
const Buckets& StoreBuckets() {
  static const Buckets& buckets =
      *new Buckets{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5};
  return buckets;
}

const std::vector<std::string>& StartedLabels() {
  static const auto& labels = *new std::vector<std::string>{"grpc_service", "grpc_method", "grpc_type"};
  return labels;
}
const std::vector<std::string>& HandledLabels() {
  static const auto& labels = *new std::vector<std::string>{"grpc_service", "grpc_method", "grpc_type", "grpc_code"};
  return labels;
}

std::vector<std::string> Words(std::initializer_list<std::string_view> words) {
  return std::vector<std::string>(words.begin(), words.end());
}

}  // namespace

struct Metrics::State {
  std::shared_ptr<Registry> registry = std::make_shared<Registry>();
  Registry& r = *registry;

  Gauges build_info{r, "headscope_build_info", "1, labelled with the version that runs.", {"version", "revision"}};
  Counters rpc_started{r, "grpc_server_started_total", "RPCs started on the server.", StartedLabels()};
  Counters rpc_handled{r, "grpc_server_handled_total", "RPCs ended on the server, by code.", HandledLabels()};
  Counters rpc_received{r, "grpc_server_msg_received_total", "Messages received.", StartedLabels()};
  Counters rpc_sent{r, "grpc_server_msg_sent_total", "Messages sent.", StartedLabels()};
  Histograms rpc_seconds{r, "grpc_server_handling_seconds", "Seconds from start to end of an RPC.", StartedLabels(),
                         HandlingBuckets()};

  Counters submitted{r, "headscope_jobs_submitted_total", "Jobs accepted.", {"kind"}};
  Counters rejected{r, "headscope_jobs_rejected_total", "Submissions refused, by reason.", {"reason"}};
  Counters finished{r, "headscope_jobs_finished_total", "Jobs ended.", {"kind", "state", "reason"}};
  Histograms queue_seconds{r,
                           "headscope_job_queue_seconds",
                           "Seconds from submission, or the last retry, until a part was handed out to be scored.",
                           {"kind", "model"},
                           LongBuckets(0.01)};
  Histograms run_seconds{
      r, "headscope_job_run_seconds", "Seconds from the first lease to the end.", {"kind", "model"}, LongBuckets(0.05)};
  Histograms total_seconds{
      r, "headscope_job_total_seconds", "Seconds from submission to the end.", {}, LongBuckets(0.05)};
  Histograms attempts{r,
                      "headscope_job_attempts",
                      "Leases that a job took.",
                      {},
                      {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000}};

  Gauges queue_depth{r, "headscope_queue_depth", "Jobs that wait until a part of them is scored.", {"model", "priority"}};
  Gauges queue_shards{r, "headscope_queue_shards", "Shards waiting for a worker.", {"model", "priority"}};
  Gauges queue_capacity{r, "headscope_queue_capacity", "Jobs that may wait at a time (--max-queued-jobs).", {}};
  Gauges queue_age{r, "headscope_queue_oldest_age_seconds", "How long the oldest of these jobs waits.", {"model"}};
  Gauges leases_active{r, "headscope_leases_active", "Shards being worked on.", {}};
  Counters leases_expired{r, "headscope_leases_expired_total", "Leases that ended with their worker's session.", {}};
  Counters stale{r, "headscope_stale_completions_rejected_total", "Results refused because their lease was over.", {}};
  Gauges workers{r, "headscope_workers", "Connected workers.", {"state"}};
  Counters restarts{r, "headscope_local_worker_restarts_total", "Local worker processes started again.", {}};
  Histograms store_seconds{r,
                           "headscope_store_operation_seconds",
                           "Seconds of one operation of the job store.",
                           {"op", "outcome"},
                           StoreBuckets()};
  Gauges watchers{r, "headscope_watchers", "Clients that watch a job.", {}};
  Gauges draining{r, "headscope_draining", "1 while the server drains.", {}};
  Gauges artifact_bytes{r, "headscope_artifact_bytes", "Bytes of datasets and planes stored.", {}};
  Gauges disk_free{r, "headscope_disk_free_bytes", "Bytes left on the disk of the data folder.", {}};
  Gauges disk_low_water{
      r, "headscope_disk_low_water_bytes", "Free bytes below which submissions and uploads are refused.", {}};
  Gauges disk_reserve{r, "headscope_disk_reserve", "Whether the reserve for deletes on a full disk is there.", {}};
  Counters artifact_bytes_written{r, "headscope_artifact_bytes_written_total", "Bytes of planes written.", {}};

  absl::Mutex mutex;
  std::set<std::string> known_models ABSL_GUARDED_BY(mutex);

  std::string ModelLabel(std::string_view model) {
    absl::MutexLock lock(&mutex);
    std::string name(model);
    return known_models.count(name) != 0 ? name : "other";
  }

  std::map<Gauges::Values, double> Labels(const ByModelAndPriority& counts) {
    std::map<Gauges::Values, double> values;
    for (const auto& [key, count] : counts) {
      values[{ModelLabel(key.first), absl::StrCat(key.second)}] += static_cast<double>(count);
    }
    return values;
  }
};

Metrics::Metrics(const std::string& version, const std::string& revision) : state_(std::make_unique<State>()) {
  state_->build_info.At({version, revision}).Set(1);
  // Series that alerts look at exist from the start.
  state_->total_seconds.At({});
  state_->leases_active.At({});
  state_->leases_expired.At({});
  state_->stale.At({});
  state_->watchers.At({});
  state_->draining.At({});
  state_->artifact_bytes.At({});
  state_->disk_free.At({});
  state_->disk_low_water.At({});
  state_->disk_reserve.At({});
  state_->artifact_bytes_written.At({});
  state_->restarts.At({});
  SetWorkers(0, 0);
}

Metrics::~Metrics() = default;

void Metrics::RpcStarted(std::string_view service, std::string_view method, RpcType type) {
  state_->rpc_started.At(Words({service, method, NameOf(type)})).Increment();
  if (type != RpcType::kClientStream) MessageReceived(service, method, type);
}

void Metrics::MessageReceived(std::string_view service, std::string_view method, RpcType type) {
  state_->rpc_received.At(Words({service, method, NameOf(type)})).Increment();
}

void Metrics::MessageSent(std::string_view service, std::string_view method, RpcType type) {
  state_->rpc_sent.At(Words({service, method, NameOf(type)})).Increment();
}

void Metrics::RecordRpc(std::string_view service, std::string_view method, RpcType type, absl::StatusCode code,
                        double seconds) {
  if (type != RpcType::kServerStream && code == absl::StatusCode::kOk) MessageSent(service, method, type);
  state_->rpc_handled.At(Words({service, method, NameOf(type), NameOf(code)})).Increment();
  state_->rpc_seconds.At(Words({service, method, NameOf(type)})).Observe(seconds);
}

void Metrics::JobSubmitted(std::string_view kind) { state_->submitted.At(Words({kind})).Increment(); }

void Metrics::JobRejected(std::string_view reason) { state_->rejected.At(Words({reason})).Increment(); }

void Metrics::JobFinished(std::string_view kind, std::string_view model, std::string_view state,
                          std::string_view reason, std::uint64_t attempts, absl::Duration total,
                          const absl::Duration* queued, const absl::Duration* run) {
  const std::string label = state_->ModelLabel(model);
  state_->finished.At(Words({kind, state, reason})).Increment();
  state_->attempts.At({}).Observe(static_cast<double>(attempts));
  state_->total_seconds.At({}).Observe(absl::ToDoubleSeconds(total));
  if (queued != nullptr) state_->queue_seconds.At(Words({kind, label})).Observe(absl::ToDoubleSeconds(*queued));
  if (run != nullptr) state_->run_seconds.At(Words({kind, label})).Observe(absl::ToDoubleSeconds(*run));
}

void Metrics::SetKnownModels(std::set<std::string> models) {
  absl::MutexLock lock(&state_->mutex);
  state_->known_models = std::move(models);
}

void Metrics::SetQueueDepth(const ByModelAndPriority& jobs) { state_->queue_depth.Replace(state_->Labels(jobs)); }

void Metrics::SetQueueShards(const ByModelAndPriority& shards) { state_->queue_shards.Replace(state_->Labels(shards)); }

void Metrics::SetQueueOldestAge(const std::map<std::string, absl::Duration>& by_model) {
  std::map<Gauges::Values, double> values;
  for (const auto& [model, age] : by_model) {
    double& oldest = values[{state_->ModelLabel(model)}];
    oldest = std::max(oldest, absl::ToDoubleSeconds(age));
  }
  state_->queue_age.Replace(values);
}

void Metrics::SetQueueCapacity(std::uint64_t jobs) { state_->queue_capacity.At({}).Set(static_cast<double>(jobs)); }

void Metrics::SetLeasesActive(std::uint64_t leases) { state_->leases_active.At({}).Set(static_cast<double>(leases)); }

void Metrics::LeasesExpired(std::uint64_t leases) {
  if (leases > 0) state_->leases_expired.At({}).Increment(static_cast<double>(leases));
}

void Metrics::StaleCompletionRejected() { state_->stale.At({}).Increment(); }

void Metrics::SetWorkers(std::uint64_t busy, std::uint64_t idle) {
  state_->workers.Replace({{{"busy"}, static_cast<double>(busy)}, {{"idle"}, static_cast<double>(idle)}});
}

void Metrics::LocalWorkerRestarted() { state_->restarts.At({}).Increment(); }

void Metrics::StoreOperation(std::string_view operation, absl::StatusCode code, double seconds) {
  const std::string outcome =
      code == absl::StatusCode::kOk ? "ok" : absl::AsciiStrToLower(absl::StatusCodeToString(code));
  state_->store_seconds.At({std::string(operation), outcome}).Observe(seconds);
}

void Metrics::SetWatchers(std::uint64_t watchers) { state_->watchers.At({}).Set(static_cast<double>(watchers)); }

void Metrics::SetDraining(bool draining) { state_->draining.At({}).Set(draining ? 1 : 0); }

void Metrics::SetArtifactBytes(std::uint64_t bytes) { state_->artifact_bytes.At({}).Set(static_cast<double>(bytes)); }

void Metrics::SetDisk(std::uint64_t free_bytes, std::uint64_t low_water_bytes, bool has_reserve) {
  state_->disk_free.At({}).Set(static_cast<double>(free_bytes));
  state_->disk_low_water.At({}).Set(static_cast<double>(low_water_bytes));
  state_->disk_reserve.At({}).Set(has_reserve ? 1 : 0);
}

void Metrics::ArtifactBytesWritten(std::uint64_t bytes) {
  state_->artifact_bytes_written.At({}).Increment(static_cast<double>(bytes));
}

const std::shared_ptr<prometheus::Registry>& Metrics::registry() const { return state_->registry; }

}  // namespace headscope::server
