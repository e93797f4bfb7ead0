#include "server/app/local_workers.h"

#include <signal.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "proto/support/log.h"

namespace headscope::server {
namespace {

// Where the server listens, as a process on the same machine reaches it.
HostPort Reachable(HostPort address) {
  if (address.host == "0.0.0.0") address.host = "127.0.0.1";
  if (address.host == "::") address.host = "::1";
  return address;
}

}  // namespace

ChildOptions LocalWorkerChild(const ServerOptions& options, const HostPort& worker_listen, const std::string& worker_id,
                              const std::string& token, const Environment& environment) {
  ChildOptions child;
  child.program = options.worker_binary;
  child.arguments = {"--server",        Reachable(worker_listen).ToString(),
                     "--model-root",    options.model_root,
                     "--worker-id",     worker_id,
                     "--device",        options.worker_device,
                     "--threads",       absl::StrCat(options.worker_threads),
                     "--memory-budget", options.worker_memory_budget,
                     "--log-format",    options.log_format == LogFormat::kJson ? "json" : "text",
                     "--parent-fd",     absl::StrCat(ChildProcess::kLifeLineFd)};
  for (const char* name : {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES",
                           "NVIDIA_VISIBLE_DEVICES", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"}) {
    if (const std::optional<std::string> value = environment(name)) {
      child.environment.push_back(absl::StrCat(name, "=", *value));
    }
  }
  child.environment.push_back(absl::StrCat("OMP_NUM_THREADS=", options.worker_threads));
  child.environment.push_back(absl::StrCat("HEADSCOPE_WORKER_TOKEN=", token));
  return child;
}

void LocalWorkers::Add(LocalWorker::Options options, std::function<void(const std::string&)> died) {
  workers_.push_back(std::make_unique<LocalWorker>(std::move(options), std::move(died)));
}

void LocalWorkers::Start() {
  for (const auto& worker : workers_) worker->Start();
}

void LocalWorkers::BeginStop() {
  for (const auto& worker : workers_) worker->EndWith(SIGTERM);
}

void LocalWorkers::Hurry() { BeginStop(); }

bool LocalWorkers::AwaitAll(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  bool all = true;
  for (const auto& worker : workers_) all &= worker->AwaitEnd(deadline - absl::Now());
  return all;
}

void LocalWorkers::FinishStop(const Patience& patience) {
  if (AwaitAll(patience.batch)) return;
  Log(LogLevel::kWarning, "local workers are told to drop their batch");
  Hurry();
  if (AwaitAll(patience.hurried)) return;
  for (const auto& worker : workers_) worker->CloseLifeLine();
  if (AwaitAll(patience.abandoned)) return;
  Log(LogLevel::kWarning, "local workers are killed");
  for (const auto& worker : workers_) worker->EndWith(SIGKILL);
  AwaitAll(absl::InfiniteDuration());
}

}  // namespace headscope::server
