#include "server/app/server_app.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "proto/support/error.h"
#include "proto/support/limits.h"
#include "proto/support/log.h"
#include "proto/support/sha256.h"
#include "server/app/measured_store.h"
#include "server/maintenance/start.h"
#include "server/store/unknown_blobs.h"

namespace headscope::server {
namespace {

std::string DrawToken(RandomSource& random) {
  Sha256 hash;
  for (int i = 0; i < 4; ++i) hash.UpdateU64(random.Next());
  return ToHex(hash.Finish());
}

// A store that cannot be read or written answers nothing that is worth anything: the process ends, and whoever looks
// after it is told. Nothing that was acknowledged is lost by that.
void EndDamaged(const absl::Status& status) {
  Log(LogLevel::kError, "ending: the job store cannot be used any more", {{"status", status}});
  std::fprintf(stderr, "headscope-server: %s\n", std::string(status.message()).c_str());
  std::_Exit(1);
}

std::string LocalWorkerId(int index) { return absl::StrCat(Fleet::kLocalPrefix, index); }

void LogCall(const CallRecord& record) {
  if (!record.ended) {
    Log(LogLevel::kInfo, "call",
        {{"method", record.method},
         {"request", record.request_id},
         {"peer", record.peer},
         {"resource", record.resource}});
    return;
  }
  Log(LogLevel::kInfo, "answer",
      {{"method", record.method},
       {"request", record.request_id},
       {"resource", record.resource},
       {"status", record.status},
       {"ms", absl::ToDoubleMilliseconds(record.latency)}});
}

const std::vector<std::string>& ClientServiceNames() {
  static const auto& names =
      *new std::vector<std::string>{"headscope.v1.AttributionService", "headscope.v1.DatasetService",
                                    "headscope.v1.ModelService", "headscope.v1.PatternService"};
  return names;
}

}  // namespace

ServerApp::ServerApp(const ServerOptions& options, const Environment& environment)
    : options_(options),
      environment_(environment),
      random_(MakeSystemRandom()),
      local_token_(DrawToken(*random_)),
      metrics_(HEADSCOPE_VERSION, HEADSCOPE_REVISION) {}

absl::StatusOr<std::unique_ptr<ServerApp>> ServerApp::Start(const ServerOptions& options,
                                                            const Environment& environment) {
  std::unique_ptr<ServerApp> app(new ServerApp(options, environment));
  if (!options.ready_file.empty()) {
    // One of a former run would say that this one is ready.
    std::error_code error;
    std::filesystem::remove(options.ready_file, error);
  }
  if (absl::Status status = app->OpenStore(); !status.ok()) return status;
  app->StartCore();
  if (absl::Status status = app->Listen(); !status.ok()) return status;
  app->fleet_->Start();
  app->housekeeping_->Start();
  app->SetServing(true);
  app->AddLocalWorkers();
  app->local_workers_.Start();
  return app;
}

absl::Status ServerApp::OpenStore() {
  auto directory = DataDirectory::Lock(options_.data_dir);
  if (!directory.ok()) {
    // Whatever is wrong with it, it is what the flag named.
    return MakeError(absl::StatusCode::kFailedPrecondition, absl::StrCat("--data-dir: ", directory.status().message()),
                     DetailsOf(directory.status()));
  }
  directory_ = *std::move(directory);
  disk_ = std::make_unique<DiskSpace>(directory_->path(), options_.disk);
  const StartOptions starting = {.accept_older_database = options_.accept_older_database};
  absl::StatusOr<PreparedStart> start = PrepareStart(directory_->path(), starting, *random_);
  if (ReasonOf(start.status()) == "DISK_FULL" && disk_->ReleaseReserve()) {
    start = PrepareStart(directory_->path(), starting, *random_);
  }
  if (!start.ok()) return start.status();
  Log(LogLevel::kInfo, "store",
      {{"id", start->mark.id},
       {"generation", start->mark.generation},
       {"former_schema", start->former_schema},
       {"schema", start->schema},
       {"kept_copy", start->kept_copy}});
  auto sqlite = OpenSqliteStore(directory_->path(), SystemClock(), *random_, {disk_.get(), EndDamaged, options_.store});
  if (!sqlite.ok()) return sqlite.status();
  sqlite_ = *std::move(sqlite);
  store_ = MeasureStore(*sqlite_, metrics_);
  const absl::Status opened = OpenBlobs();
  const bool retry = ReasonOf(opened) == "DISK_FULL" && disk_->ReleaseReserve();
  return retry ? OpenBlobs() : opened;
}

absl::Status ServerApp::OpenBlobs() {
  const absl::StatusOr<ReconciledBlobs> found =
      ReconcileBlobs(directory_->path(), *store_, options_.quarantine, SystemClock().Now());
  if (!found.ok()) return found.status();
  if (found->quarantined + found->taken_back + found->expired + found->missing > 0) {
    Log(LogLevel::kWarning, "files of results and datasets are not what the database knows",
        {{"put_into_quarantine", found->quarantined},
         {"taken_back", found->taken_back},
         {"removed_after_quarantine", found->expired},
         {"missing", found->missing}});
  }
  auto blobs = OpenFileBlobStore(directory_->path(), found->stored_bytes);
  if (!blobs.ok()) return blobs.status();
  blobs_ = *std::move(blobs);
  return absl::OkStatus();
}

void ServerApp::StartCore() {
  executor_ = std::make_unique<StoreExecutor>(*store_);
  executor_->Start();
  io_ = std::make_unique<IoPool>(std::max(2, static_cast<int>(std::thread::hardware_concurrency())));
  io_->Start();
  analyses_ =
      std::make_unique<IoPool>(std::max(2, static_cast<int>(std::thread::hardware_concurrency()) / 2), "analyses");
  analyses_->Start();
  events_ = std::make_unique<JobEvents>(SystemClock(), static_cast<std::uint32_t>(absl::ToUnixSeconds(absl::Now())));
  HousekeepingOptions housekeeping;
  housekeeping.retention.keep = options_.retention;
  housekeeping.erase_after = options_.erase_after;
  housekeeping.jobs_retired = [this](const std::vector<std::string>& jobs) {
    for (const std::string& job : jobs) events_->Forget(job);
  };
  housekeeping.look_around = [this] {
    disk_->Refresh();
    metrics_.SetDisk(disk_->free_bytes(), disk_->low_water(), disk_->has_reserve());
  };
  housekeeping_ = std::make_unique<Housekeeping>(std::move(housekeeping), *executor_, *blobs_);
  metrics_.SetQueueCapacity(options_.store.max_queued_jobs);
  FleetOptions fleet;
  fleet.local_token = local_token_;
  fleet.no_progress_timeout = options_.no_progress_timeout;
  fleet.session_opened = [this](const std::string& worker_id) { ready_.Arrived(worker_id); };
  fleet_ = std::make_unique<Fleet>(std::move(fleet), *executor_, *blobs_, *io_, *events_, metrics_, SystemClock());
  services_ = std::make_unique<Services>(ServiceContext{.store = *executor_,
                                                        .blobs = *blobs_,
                                                        .io = *io_,
                                                        .analyses = *analyses_,
                                                        .events = *events_,
                                                        .fleet = *fleet_,
                                                        .metrics = metrics_,
                                                        .clock = SystemClock(),
                                                        .random = *random_,
                                                        .server_build = "headscope-server " HEADSCOPE_VERSION,
                                                        .call_log = LogCall,
                                                        .rank_idle_limit = options_.rank_idle_limit,
                                                        .disk = disk_.get()});
}

absl::Status ServerApp::Listen() {
  ConfigureGrpc(options_.reflection);
  auto clients = Listener::Start("--listen", options_.listen, services_->all());
  if (!clients.ok()) return clients.status();
  clients_ = *std::move(clients);
  auto workers = Listener::Start("--worker-listen", options_.worker_listen, {&fleet_->worker_service()});
  if (!workers.ok()) return workers.status();
  workers_ = *std::move(workers);
  auto exposer = MetricsExposer::Start(options_.metrics_listen, metrics_);
  if (!exposer.ok()) {
    return absl::Status(exposer.status().code(), absl::StrCat("--metrics-listen: ", exposer.status().message(), ": ",
                                                              ReasonNotToListen(options_.metrics_listen)));
  }
  exposer_ = *std::move(exposer);
  return absl::OkStatus();
}

void ServerApp::SetServing(bool serving) {
  clients_->SetServing(serving, ClientServiceNames());
  workers_->SetServing(serving, {"headscope.worker.v1.WorkerService"});
}

void ServerApp::AddLocalWorkers() {
  std::set<std::string> ids;
  for (int i = 0; i < options_.local_workers; ++i) ids.insert(LocalWorkerId(i));
  ready_.Expect(ids);
  for (const std::string& id : ids) {
    LocalWorker::Options worker;
    worker.worker_id = id;
    worker.child = LocalWorkerChild(options_, workers_->address(), id, local_token_, environment_);
    local_workers_.Add(std::move(worker), [this](const std::string& died) {
      metrics_.LocalWorkerRestarted();
      fleet_->LoseLocalWorker(died);
    });
  }
}

Addresses ServerApp::addresses() const { return {clients_->address(), workers_->address(), exposer_->address()}; }

absl::Status ServerApp::BecomeReady(absl::Duration timeout) {
  const std::size_t missing = ready_.Await(timeout);
  if (given_up_) return absl::OkStatus();
  if (missing != 0) {
    Log(LogLevel::kWarning, "local workers have not connected yet", {{"missing", missing}});
  }
  if (options_.ready_file.empty()) return absl::OkStatus();
  return WriteReadyFile(options_.ready_file, addresses());
}

void ServerApp::GiveUpWaiting() {
  given_up_ = true;
  ready_.GiveUp();
}

void ServerApp::Hurry() { local_workers_.Hurry(); }

}  // namespace headscope::server
