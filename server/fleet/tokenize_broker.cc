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
constexpr std::size_t kMaxBytes = std::size_t{64} << 20;

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

std::size_t TokenizeBroker::BytesOf(const Entry& entry) {
  const TokenizeQuery& query = entry.task.query;
  return query.text.size() + (query.response ? query.response->size() : 0);
}

absl::StatusOr<std::string> TokenizeBroker::Submit(TokenizeQuery query, Done done) {
  absl::MutexLock lock(&mutex_);
  const std::uint64_t number = last_number_ + 1;
  const std::string id = absl::StrCat(kPrefix, number);
  Entry entry{Task{id, 0, std::move(query)}, std::move(done), std::nullopt};
  const std::size_t bytes = BytesOf(entry);
  if (entries_.size() >= kMaxTasks || bytes_ + bytes > kMaxBytes) {
    return MakeError(absl::StatusCode::kResourceExhausted,
                     absl::StrCat(entries_.size(), " texts of ", bytes_, " bytes wait to be tokenised, at most ",
                                  kMaxTasks, " of ", kMaxBytes, " bytes may; try again"),
                     ErrorDetails{"QUEUE_FULL", {}, absl::Seconds(1)});
  }
  last_number_ = number;
  bytes_ += bytes;
  entries_.emplace(number, std::move(entry));
  return id;
}

std::optional<TokenizeBroker::Entry> TokenizeBroker::TakeOut(std::map<std::uint64_t, Entry>::iterator found) {
  if (found == entries_.end()) return std::nullopt;
  std::optional<Entry> entry = std::move(found->second);
  entries_.erase(found);
  bytes_ -= BytesOf(*entry);
  return entry;
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
  std::optional<Entry> entry;
  {
    absl::MutexLock lock(&mutex_);
    entry = TakeOut(Find(lease));
  }
  if (!entry) return StaleLease(lease);
  entry->done(std::move(answer));
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

void TokenizeBroker::Drop(const std::string& id) {
  // Ends after the lock: what it holds may be the last of a call.
  std::optional<Entry> entry;
  absl::MutexLock lock(&mutex_);
  entry = TakeOut(entries_.find(NumberOf(id)));
}

void TokenizeBroker::Expire(const std::string& id) {
  std::optional<Entry> entry;
  {
    absl::MutexLock lock(&mutex_);
    entry = TakeOut(entries_.find(NumberOf(id)));
  }
  if (!entry) return;
  entry->done(MakeError(absl::StatusCode::kDeadlineExceeded,
                        absl::StrCat("no worker tokenised the text with model ", entry->task.query.model,
                                     entry->holder ? " in time: the one that took it is not done"
                                                   : " in time: all that have it are busy"),
                        "TOKENIZE_TIMEOUT"));
}

void TokenizeBroker::Close(const absl::Status& status) {
  std::vector<Done> waiting;
  {
    absl::MutexLock lock(&mutex_);
    for (auto& [number, entry] : entries_) waiting.push_back(std::move(entry.done));
    entries_.clear();
    bytes_ = 0;
  }
  for (const Done& done : waiting) done(status);
}

}  // namespace headscope::server
