// How the server ends. The order is what makes it lossless: who routes to us is told first, then nothing new is taken,
// then what runs is handed back while its listener still answers, and the store is closed last.
#include <filesystem>
#include <system_error>

#include "proto/support/log.h"
#include "server/app/server_app.h"
#include "server/maintenance/store_mark.h"

namespace headscope::server {
namespace {

// For calls that are being answered; what has not ended then is cancelled. gRPC waits that long for clients that are
// connected and asleep, too.
constexpr absl::Duration kClientGrace = absl::Seconds(2);
constexpr absl::Duration kWorkerGrace = absl::Seconds(1);

}  // namespace

void ServerApp::Drain(const absl::Notification& hurry) {
  Log(LogLevel::kInfo, "draining", {{"delay", absl::FormatDuration(options_.drain_delay)}});
  metrics_.SetDraining(true);
  SetServing(false);
  hurry.WaitForNotificationWithTimeout(options_.drain_delay);

  services_->RefuseNewWork();
  fleet_->Drain();
  local_workers_.BeginStop();

  services_->FinishStreams();
  clients_->Shutdown(kClientGrace);
  // Hands back its shards through the worker listener.
  local_workers_.FinishStop(LocalWorkers::Patience());

  Stop(kWorkerGrace);
  if (!options_.ready_file.empty()) {
    std::error_code error;
    std::filesystem::remove(options_.ready_file, error);
  }
  // What was copied of the database while this server ran is older than what it leaves.
  if (const absl::Status raised = RaiseGeneration(directory_->path()); !raised.ok()) {
    Log(LogLevel::kWarning, "the end of this run could not be written down", {{"status", raised}});
  }
  Log(LogLevel::kInfo, "stopped");
}

void ServerApp::Stop(absl::Duration grace) {
  if (stopped_) return;
  stopped_ = true;
  if (fleet_ != nullptr) fleet_->Stop();
  if (clients_ != nullptr) clients_->Shutdown(grace);
  if (workers_ != nullptr) workers_->Shutdown(grace);
  if (housekeeping_ != nullptr) housekeeping_->Stop();
  // Files first: what they end with is posted to the store.
  if (analyses_ != nullptr) analyses_->Stop();
  if (io_ != nullptr) io_->Stop();
  if (executor_ != nullptr) executor_->Stop();
}

ServerApp::~ServerApp() {
  if (services_ != nullptr) services_->FinishStreams();
  Stop(absl::ZeroDuration());
}

}  // namespace headscope::server
