#include "server/fleet/lease_book.h"

#include <algorithm>
#include <utility>

namespace headscope::server {
namespace {

constexpr std::size_t kAcceptedKept = 1024;

}  // namespace

HeldLease* LeaseBook::Find(const std::string& shard, std::uint64_t fence) {
  const auto found = leases_.find(shard);
  return found == leases_.end() || found->second.key.fence != fence ? nullptr : &found->second;
}

void LeaseBook::Add(const LeaseKey& key, const Lease& lease, absl::Time now) {
  HeldLease held;
  held.key = key;
  held.job = lease.shard.job;
  held.phase = lease.shard.phase;
  held.ordinal = lease.shard.ordinal;
  held.samples = lease.shard.samples.size();
  held.tokens = lease.shard.tokens;
  held.progress_time = now;
  absl::MutexLock lock(&mutex_);
  leases_.insert_or_assign(key.shard, std::move(held));
}

std::optional<HeldLease> LeaseBook::Remove(const std::string& shard, std::uint64_t fence) {
  absl::MutexLock lock(&mutex_);
  HeldLease* held = Find(shard, fence);
  if (held == nullptr) return std::nullopt;
  std::optional<HeldLease> removed = std::move(*held);
  leases_.erase(shard);
  return removed;
}

bool LeaseBook::Has(const std::string& shard, std::uint64_t fence) const {
  absl::MutexLock lock(&mutex_);
  const auto found = leases_.find(shard);
  return found != leases_.end() && found->second.key.fence == fence;
}

std::vector<HeldLease> LeaseBook::OfSession(const SessionRef& session) const {
  absl::MutexLock lock(&mutex_);
  std::vector<HeldLease> leases;
  for (const auto& [shard, held] : leases_) {
    const SessionRef& holder = held.key.session;
    if (holder.session == session.session && holder.epoch == session.epoch) leases.push_back(held);
  }
  return leases;
}

std::vector<HeldLease> LeaseBook::OfJob(const std::string& job) const {
  absl::MutexLock lock(&mutex_);
  std::vector<HeldLease> leases;
  for (const auto& [shard, held] : leases_) {
    if (held.job == job) leases.push_back(held);
  }
  return leases;
}

bool LeaseBook::Report(const std::string& shard, std::uint64_t fence, std::uint64_t samples_done,
                       std::uint64_t tokens_done, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  HeldLease* held = Find(shard, fence);
  if (held == nullptr) return false;
  const std::uint64_t samples = std::max(held->samples_done, std::min(samples_done, held->samples));
  const std::uint64_t tokens = std::max(held->tokens_done, std::min(tokens_done, held->tokens));
  if (samples == held->samples_done && tokens == held->tokens_done) return false;
  held->samples_done = samples;
  held->tokens_done = tokens;
  held->progress_time = now;
  if (held->phase != Phase::kScore) return false;
  // What the same worker has leased ahead waits for this one and loses no patience meanwhile.
  for (auto& [other, waiting] : leases_) {
    if (waiting.key.session.session == held->key.session.session && waiting.tokens_done == 0) {
      waiting.progress_time = now;
    }
  }
  return true;
}

void LeaseBook::SetHandingIn(const std::string& shard, std::uint64_t fence, bool handing_in, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  HeldLease* held = Find(shard, fence);
  if (held == nullptr) return;
  held->handing_in = handing_in;
  if (!handing_in || std::exchange(held->was_handed_in, true)) return;
  held->progress_time = now;
}

void LeaseBook::RestartPatience(absl::Time now) {
  absl::MutexLock lock(&mutex_);
  for (auto& [shard, held] : leases_) held.progress_time = now;
}

LiveProgress LeaseBook::Running(const std::string& job) const {
  absl::MutexLock lock(&mutex_);
  LiveProgress progress;
  for (const auto& [shard, held] : leases_) {
    if (held.job != job || held.phase != Phase::kScore) continue;
    progress.samples_done += held.samples_done;
    progress.tokens_done += held.tokens_done;
  }
  return progress;
}

void LeaseBook::Accept(const std::string& shard, std::uint64_t fence, std::string digest) {
  absl::MutexLock lock(&mutex_);
  if (!accepted_.emplace(std::make_pair(shard, fence), std::move(digest)).second) return;
  accepted_order_.emplace_back(shard, fence);
  if (accepted_order_.size() <= kAcceptedKept) return;
  accepted_.erase(accepted_order_.front());
  accepted_order_.pop_front();
}

std::optional<std::string> LeaseBook::Accepted(const std::string& shard, std::uint64_t fence) const {
  absl::MutexLock lock(&mutex_);
  const auto found = accepted_.find({shard, fence});
  if (found == accepted_.end()) return std::nullopt;
  return found->second;
}

}  // namespace headscope::server
