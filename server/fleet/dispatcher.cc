#include "server/fleet/dispatcher.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/log.h"
#include "server/fleet/worker_codec.h"
#include "server/scheduler/policy.h"

namespace headscope::server {
namespace {

constexpr int kWaitersOfASession = 16;
// Claims that come to nothing because the shard went elsewhere, before a waiter's turn ends.
constexpr int kClaimsOfATurn = 3;

}  // namespace

absl::StatusOr<std::uint64_t> Dispatcher::Add(LeaseWaiter waiter) {
  absl::MutexLock lock(&mutex_);
  int count = 0;
  for (const auto& [id, other] : waiters_) {
    if (other.session.session == waiter.session.session && other.alive()) ++count;
  }
  if (count >= kWaitersOfASession) {
    return absl::ResourceExhaustedError(absl::StrCat(count, " calls of this session wait for work already"));
  }
  waiters_.emplace(++last_waiter_, std::move(waiter));
  return last_waiter_;
}

bool Dispatcher::TakeOut(std::uint64_t waiter) {
  absl::MutexLock lock(&mutex_);
  return waiters_.erase(waiter) != 0;
}

void Dispatcher::Timeout(std::uint64_t waiter) {
  LeaseWaiter over;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = waiters_.find(waiter);
    if (found == waiters_.end()) return;
    over = std::move(found->second);
    waiters_.erase(found);
  }
  over.answer(nullptr);
}

void Dispatcher::EndSession(const SessionRef& session, const absl::Status& status) {
  for (const auto& [id, waiter] : Waiting()) {
    if (waiter.session.session == session.session && TakeOut(id)) waiter.fail(status);
  }
}

void Dispatcher::Drain() {
  draining_ = true;
  for (const auto& [id, waiter] : Waiting()) Timeout(id);
}

std::vector<std::pair<std::uint64_t, LeaseWaiter>> Dispatcher::Waiting() {
  absl::MutexLock lock(&mutex_);
  return {waiters_.begin(), waiters_.end()};
}

void Dispatcher::Wake() {
  if (round_posted_.exchange(true)) return;
  const bool posted = parts_.posts.Store([this](JobStore& store) {
    // Before looking: what changes from here on posts another round.
    round_posted_ = false;
    Round(store);
  });
  if (!posted) round_posted_ = false;
}

void Dispatcher::Round(JobStore& store) {
  Candidates candidates;
  for (const auto& [id, waiter] : Waiting()) {
    if (draining_) return;
    if (!waiter.alive()) {
      TakeOut(id);
      continue;
    }
    const std::optional<ConnectedWorker> worker = parts_.sessions.Find(waiter.session);
    if (!worker) continue;
    if (waiter.tokenize) OfferTask(id, waiter, *worker);
    if (waiter.prepare || waiter.score) OfferShard(store, id, waiter, *worker, candidates);
  }
}

void Dispatcher::OfferTask(std::uint64_t id, const LeaseWaiter& waiter, const ConnectedWorker& worker) {
  const std::optional<TokenizeBroker::Task> task = parts_.tokenizer.Take(worker);
  if (!task) return;
  const worker::v1::Shard shard = worker_codec::ToShard(*task);
  if (TakeOut(id) && waiter.answer(&shard)) return;
  const absl::Status released = parts_.tokenizer.Release({waiter.session, task->id, task->fence});
  if (released.ok()) Wake();
}

void Dispatcher::OfferShard(JobStore& store, std::uint64_t id, const LeaseWaiter& waiter, const ConnectedWorker& worker,
                            Candidates& candidates) {
  WorkerOffer offer = worker.Offer(parts_.clock.Now());
  offer.prepare = waiter.prepare;
  offer.score = waiter.score;
  for (int claim = 0; claim < kClaimsOfATurn; ++claim) {
    if (!waiter.alive()) return;
    if (!candidates) {
      absl::StatusOr<std::vector<Candidate>> read = store.Candidates();
      if (!read.ok()) {
        Log(LogLevel::kError, "cannot read the queue", {{"status", read.status()}});
        return;
      }
      candidates = *std::move(read);
    }
    const std::optional<std::string> shard = ChooseShard(*candidates, offer);
    if (!shard) return;
    candidates.reset();
    const absl::StatusOr<std::optional<Lease>> lease = store.Claim(waiter.session, *shard);
    if (!lease.ok()) {
      if (TakeOut(id)) waiter.fail(lease.status());
      return;
    }
    if (*lease) return Grant(store, id, waiter, worker, **lease);
  }
}

void Dispatcher::Grant(JobStore& store, std::uint64_t id, const LeaseWaiter& waiter, const ConnectedWorker& worker,
                       const Lease& lease) {
  const LeaseKey key{waiter.session, lease.shard.id, lease.shard.fence};
  const CatalogueEntry* entry = worker.Model(lease.spec.model);
  parts_.leases.Add(key, lease, parts_.clock.Now());
  if (entry != nullptr && TakeOut(id)) {
    const worker::v1::Shard shard = worker_codec::ToShard(lease, *entry, parts_.no_progress_timeout);
    if (waiter.answer(&shard)) {
      parts_.news.PublishAttempt(store, lease.shard.job, lease.shard.phase, lease.shard.ordinal);
      parts_.news.Apply({{lease.shard.job}, false});
      return;
    }
  }
  // Nobody is there to work on it.
  parts_.leases.Remove(key.shard, key.fence);
  if (const absl::StatusOr<Effect> effect = store.Release(key); effect.ok()) parts_.news.Apply(*effect);
}

}  // namespace headscope::server
