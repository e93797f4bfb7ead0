#include "server/app/local_worker.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "proto/support/log.h"

namespace headscope::server {
namespace {

constexpr absl::Duration kLongEnough = absl::Minutes(1);

}  // namespace

LocalWorker::LocalWorker(Options options, std::function<void(const std::string&)> died)
    : options_(std::move(options)), died_(std::move(died)) {}

LocalWorker::~LocalWorker() {
  EndWith(SIGKILL);
  if (thread_.joinable()) thread_.join();
}

void LocalWorker::Start() {
  thread_ = std::thread([this] { Run(); });
  pthread_setname_np(thread_.native_handle(), options_.worker_id.substr(0, 15).c_str());
}

void LocalWorker::Run() {
  absl::Duration wait = options_.first_wait;
  while (StartProcess()) {
    const std::optional<absl::Duration> life = AwaitProcess();
    if (life && *life > kLongEnough) wait = options_.first_wait;
    if (!Rest(wait)) break;
    wait = std::min(wait * 2, options_.longest_wait);
  }
  absl::MutexLock lock(&mutex_);
  ended_ = true;
}

bool LocalWorker::StartProcess() {
  absl::MutexLock lock(&mutex_);
  if (ending_) return false;
  absl::StatusOr<ChildProcess> process = ChildProcess::Spawn(options_.child);
  if (process.ok()) {
    process_.emplace(*std::move(process));
    Log(LogLevel::kInfo, "local worker started", {{"worker", options_.worker_id}, {"pid", process_->pid()}});
  } else {
    Log(LogLevel::kError, "local worker not started", {{"worker", options_.worker_id}, {"status", process.status()}});
  }
  return true;
}

std::optional<absl::Duration> LocalWorker::AwaitProcess() {
  const ChildProcess* process = nullptr;
  {
    absl::MutexLock lock(&mutex_);
    if (!process_) return std::nullopt;
    process = &*process_;
  }
  const absl::Time start = absl::Now();
  // Only this thread replaces process_.
  process->AwaitEnd();
  bool ending = false;
  std::string end;
  {
    absl::MutexLock lock(&mutex_);
    end = process_->Reap();
    process_.reset();
    ending = ending_;
  }
  Log(ending ? LogLevel::kInfo : LogLevel::kWarning, "local worker ended",
      {{"worker", options_.worker_id}, {"how", end}});
  if (!ending) died_(options_.worker_id);
  return absl::Now() - start;
}

bool LocalWorker::Rest(absl::Duration wait) {
  absl::MutexLock lock(&mutex_);
  return !mutex_.AwaitWithTimeout(absl::Condition(&ending_), wait);
}

void LocalWorker::EndWith(int signal) {
  absl::MutexLock lock(&mutex_);
  ending_ = true;
  if (process_ && signal != 0) process_->Signal(signal);
}

void LocalWorker::CloseLifeLine() {
  absl::MutexLock lock(&mutex_);
  if (process_) process_->CloseLifeLine();
}

bool LocalWorker::AwaitEnd(absl::Duration timeout) {
  if (!thread_.joinable()) return true;
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&ended_), timeout);
}

}  // namespace headscope::server
