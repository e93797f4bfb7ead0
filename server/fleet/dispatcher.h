// Brings shards and waiting workers together.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "headscope/worker/v1/worker_service.pb.h"
#include "proto/support/clock.h"
#include "server/fleet/job_news.h"
#include "server/fleet/lease_book.h"
#include "server/fleet/posts.h"
#include "server/fleet/sessions.h"
#include "server/fleet/tokenize_broker.h"

namespace headscope::server {

// A worker's call that waits for work.
struct LeaseWaiter {
  SessionRef session;
  bool prepare = false;
  bool score = false;
  bool tokenize = false;
  // The client is still there.
  std::function<bool()> alive;
  // Ends the call with a shard, or with none (nullptr). False: it was over already, the shard reached nobody.
  std::function<bool(const worker::v1::Shard*)> answer;
  std::function<void(const absl::Status&)> fail;
};

// Thread-safe. Decisions are made on the store's thread, one waiter after the other in order of arrival.
class Dispatcher {
 public:
  struct Parts {
    Posts& posts;
    Sessions& sessions;
    LeaseBook& leases;
    TokenizeBroker& tokenizer;
    JobNews& news;
    const Clock& clock;
    absl::Duration no_progress_timeout;
  };
  // All parts outlive this.
  explicit Dispatcher(Parts parts) : parts_(parts) {}

  // RESOURCE_EXHAUSTED when the session has too many waiters.
  absl::StatusOr<std::uint64_t> Add(LeaseWaiter waiter);
  // The waiter's time is over: it is answered with no shard.
  void Timeout(std::uint64_t waiter);
  // Lets waiters look again. A wake-up during a round leads to another round: none is lost. Any thread.
  void Wake();
  void EndSession(const SessionRef& session, const absl::Status& status);
  // No more leases; who waits is answered with none.
  void Drain();

 private:
  using Candidates = std::optional<std::vector<Candidate>>;

  void Round(JobStore& store);
  std::vector<std::pair<std::uint64_t, LeaseWaiter>> Waiting();
  // Removes a waiter; false when it is gone already.
  bool TakeOut(std::uint64_t waiter);
  void OfferTask(std::uint64_t id, const LeaseWaiter& waiter, const ConnectedWorker& worker);
  void OfferShard(JobStore& store, std::uint64_t id, const LeaseWaiter& waiter, const ConnectedWorker& worker,
                  Candidates& candidates);
  void Grant(JobStore& store, std::uint64_t id, const LeaseWaiter& waiter, const ConnectedWorker& worker,
             const Lease& lease);

  const Parts parts_;
  std::atomic<bool> round_posted_ = false;
  std::atomic<bool> draining_ = false;

  absl::Mutex mutex_;
  std::uint64_t last_waiter_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::uint64_t, LeaseWaiter> waiters_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace headscope::server
