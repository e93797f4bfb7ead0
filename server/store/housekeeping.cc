#include "server/store/housekeeping.h"

#include <pthread.h>

#include <utility>

#include "proto/support/log.h"
#include "server/store/failpoint.h"
#include "server/store/store_call.h"

namespace headscope::server {
namespace {

// Of one step: some milliseconds of the store's thread.
constexpr std::size_t kBlobsOfAStep = 64;
constexpr std::size_t kRowsOfAStep = 4;

}  // namespace

Housekeeping::Housekeeping(HousekeepingOptions options, StoreExecutor& store, BlobStore& blobs)
    : options_(std::move(options)), store_(store), blobs_(blobs) {}

void Housekeeping::Start() {
  thread_ = std::thread([this] { Run(); });
  pthread_setname_np(thread_.native_handle(), "housekeeping");
}

void Housekeeping::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

absl::StatusOr<bool> Housekeeping::RemoveUnusedBlobs() {
  const absl::StatusOr<std::vector<std::string>> unused =
      OnStore(store_, [](JobStore& store) { return store.TakeUnusedBlobs(kBlobsOfAStep); });
  if (!unused.ok()) return unused.status();
  if (unused->empty()) return false;
  std::vector<std::string> removed;
  absl::Status status;
  Failpoint("blob.before_remove");
  for (const std::string& blob : *unused) {
    // What could not be removed is tried again with the next step.
    const absl::Status gone = blobs_.Remove(blob);
    if (gone.ok()) removed.push_back(blob);
    status.Update(gone);
  }
  Failpoint("blob.after_remove");
  status.Update(OnStore(store_, [removed](JobStore& store) { return store.ForgetBlobs(removed); }));
  if (!status.ok()) return status;
  untidy_ = true;
  return unused->size() == kBlobsOfAStep;
}

absl::StatusOr<bool> Housekeeping::Retire() {
  const absl::StatusOr<Retired> retired = OnStore(
      store_, [policy = options_.retention](JobStore& store) { return store.Retire(policy, kRowsOfAStep); });
  if (!retired.ok()) return retired.status();
  if (!retired->jobs.empty()) {
    untidy_ = true;
    Log(LogLevel::kInfo, "jobs deleted, their time is over", {{"jobs", retired->jobs.size()}});
    if (options_.jobs_retired) options_.jobs_retired(retired->jobs);
  }
  return retired->more;
}

absl::Status Housekeeping::Tidy() {
  if (!std::exchange(untidy_, false)) return absl::OkStatus();
  absl::Status tidied = OnStore(store_, [](JobStore& store) { return store.Tidy(); });
  if (!tidied.ok()) untidy_ = true;
  return tidied;
}

void Housekeeping::Run() {
  // Twice within erase_after, since a delete may come just after the first.
  const absl::Duration tidy_interval = options_.erase_after / 3;
  absl::Duration since_retired = options_.retire_interval;
  absl::Duration since_tidied;
  const auto all = [this](absl::StatusOr<bool> (Housekeeping::*step)(), const char* what) {
    for (;;) {
      const absl::StatusOr<bool> more = (this->*step)();
      Do(what, more.status());
      if (!more.ok() || !*more || stopping()) return;
    }
  };
  do {
    if (options_.look_around) options_.look_around();
    all(&Housekeeping::RemoveUnusedBlobs, "files that nothing refers to could not be removed");
    if (since_retired >= options_.retire_interval) {
      since_retired = absl::ZeroDuration();
      all(&Housekeeping::Retire, "what is over could not be deleted");
    }
    if (since_tidied >= tidy_interval) {
      since_tidied = absl::ZeroDuration();
      Do("room could not be given back", Tidy());
    }
    since_retired += options_.interval;
    since_tidied += options_.interval;
  } while (WaitFor(options_.interval));
}

bool Housekeeping::WaitFor(absl::Duration time) {
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithTimeout(absl::Condition(&stopping_), time);
  return !stopping_;
}

bool Housekeeping::stopping() const {
  absl::MutexLock lock(&mutex_);
  return stopping_;
}

void Housekeeping::Do(const char* what, const absl::Status& status) {
  if (status.ok() || stopping()) return;
  Log(LogLevel::kWarning, what, {{"status", status}});
}

}  // namespace headscope::server
