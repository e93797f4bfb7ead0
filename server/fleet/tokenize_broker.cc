#include "server/fleet/tokenize_broker.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "proto/support/error.h"

namespace headscope::server {
namespace {

constexpr char kPrefix[] = "tokenize.";
constexpr std::size_t kMaxTasks = 1000;

// 0 when `id` is not a task's.
std::uint64_t NumberOf(const std::string& id) {
  std::uint64_t number = 0;
  if (!TokenizeBroker::IsTask(id) || !absl::SimpleAtoi(id.substr(sizeof(kPrefix) - 1), &number)) return 0;
  return number;
}

absl::Status StaleLease(const LeaseKey& lease) {
  return MakeError(absl::StatusCode::kAborted,
                   absl::StrCat("lease ", lease.shard, " with fence ", lease.fence, " is over: stop this work"),
                   "STALE_LEASE");
}

}  // namespace

bool TokenizeBroker::IsTask(const std::string& shard) { return absl::StartsWith(shard, kPrefix); }

absl::StatusOr<std::string> TokenizeBroker::Submit(TokenizeQuery query, Done done) {
  absl::MutexLock lock(&mutex_);
  if (entries_.size() >= kMaxTasks) {
    return MakeError(absl::StatusCode::kResourceExhausted,
                     absl::StrCat(entries_.size(), " texts wait to be tokenised, at most ", kMaxTasks, " may"),
                     ErrorDetails{"QUEUE_FULL", {}, absl::Seconds(1)});
  }
  const std::uint64_t number = ++last_number_;
  const std::string id = absl::StrCat(kPrefix, number);
  entries_.emplace(number, Entry{Task{id, 0, std::move(query)}, std::move(done), std::nullopt});
  return id;
}

std::optional<TokenizeBroker::Task> TokenizeBroker::Take(const ConnectedWorker& worker) {
  absl::MutexLock lock(&mutex_);
  for (auto& [number, entry] : entries_) {
    if (entry.holder || worker.Model(entry.task.query.model) == nullptr) continue;
    entry.holder = worker.session;
    ++entry.task.fence;
    return entry.task;
  }
  return std::nullopt;
}

std::map<std::uint64_t, TokenizeBroker::Entry>::iterator TokenizeBroker::Find(const LeaseKey& lease) {
  const auto found = entries_.find(NumberOf(lease.shard));
  if (found == entries_.end()) return found;
  const Entry& entry = found->second;
  const bool current =
      entry.holder && entry.holder->session == lease.session.session && entry.task.fence == lease.fence;
  return current ? found : entries_.end();
}

bool TokenizeBroker::IsHeld(const LeaseKey& lease) const {
  absl::MutexLock lock(&mutex_);
  const auto found = entries_.find(NumberOf(lease.shard));
  return found != entries_.end() && found->second.holder && found->second.holder->session == lease.session.session &&
         found->second.task.fence == lease.fence;
}

absl::Status TokenizeBroker::Complete(const LeaseKey& lease, absl::StatusOr<TokenizeAnswer> answer) {
  Done done;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = Find(lease);
    if (found == entries_.end()) return StaleLease(lease);
    done = std::move(found->second.done);
    entries_.erase(found);
  }
  done(std::move(answer));
  return absl::OkStatus();
}

absl::Status TokenizeBroker::Release(const LeaseKey& lease) {
  absl::MutexLock lock(&mutex_);
  const auto found = Find(lease);
  if (found == entries_.end()) return StaleLease(lease);
  found->second.holder.reset();
  return absl::OkStatus();
}

void TokenizeBroker::LoseSession(const SessionRef& session) {
  absl::MutexLock lock(&mutex_);
  for (auto& [number, entry] : entries_) {
    if (entry.holder && entry.holder->session == session.session) entry.holder.reset();
  }
}

void TokenizeBroker::Expire(const std::string& id) {
  Done done;
  std::string model;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = entries_.find(NumberOf(id));
    if (found == entries_.end()) return;
    done = std::move(found->second.done);
    model = found->second.task.query.model;
    entries_.erase(found);
  }
  done(absl::DeadlineExceededError(absl::StrCat("no worker tokenised the text with model ", model, " in time")));
}

void TokenizeBroker::Close(const absl::Status& status) {
  std::vector<Done> waiting;
  {
    absl::MutexLock lock(&mutex_);
    for (auto& [number, entry] : entries_) waiting.push_back(std::move(entry.done));
    entries_.clear();
  }
  for (const Done& done : waiting) done(status);
}

}  // namespace headscope::server
