// The leases that this worker works on, how far each is, and how each is stopped.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace headscope::worker {

// One lease. Thread-safe: whoever works on it asks and reports, the heartbeat stops it.
class HeldLease {
 public:
  HeldLease(std::string shard, std::uint64_t fence, std::uint64_t generation)
      : shard_(std::move(shard)), fence_(fence), generation_(generation) {}

  const std::string& shard() const { return shard_; }
  std::uint64_t fence() const { return fence_; }
  // Of the session it was leased in.
  std::uint64_t generation() const { return generation_; }

  // No longer this worker's: stop at once, report nothing.
  void Abandon() { abandoned_ = true; }
  bool abandoned() const { return abandoned_; }
  // Stop after the batch at hand, or at once when in a hurry, and hand the shard back.
  void HandBack(bool hurry) {
    handing_back_ = true;
    if (hurry) hurry_ = true;
  }
  bool handing_back() const { return handing_back_; }
  // Work stops between layers when this is true.
  bool cancelled() const { return abandoned_ || hurry_; }

  void SetProgress(std::uint64_t samples, std::uint64_t tokens) {
    samples_done_ = samples;
    tokens_done_ = tokens;
  }
  std::uint64_t samples_done() const { return samples_done_; }
  std::uint64_t tokens_done() const { return tokens_done_; }

 private:
  const std::string shard_;
  const std::uint64_t fence_;
  const std::uint64_t generation_;
  std::atomic<bool> abandoned_ = false;
  std::atomic<bool> handing_back_ = false;
  std::atomic<bool> hurry_ = false;
  std::atomic<std::uint64_t> samples_done_ = 0;
  std::atomic<std::uint64_t> tokens_done_ = 0;
};

// Thread-safe.
class HeldLeases {
 public:
  // A lease that was granted; handed back at once when HandBackAll was called before.
  std::shared_ptr<HeldLease> Add(std::string shard, std::uint64_t fence, std::uint64_t generation);
  // Its work has ended and was reported.
  void Remove(const std::shared_ptr<HeldLease>& lease);

  // The server wants (shard, fence) stopped; unknown ones have ended meanwhile.
  void Abandon(const std::string& shard, std::uint64_t fence);
  // The session of that generation has ended and its leases with it.
  void AbandonGeneration(std::uint64_t generation);
  void HandBackAll(bool hurry);

  // Those not abandoned, of one session.
  std::vector<std::shared_ptr<HeldLease>> Held(std::uint64_t generation) const;

 private:
  mutable absl::Mutex mutex_;
  std::vector<std::shared_ptr<HeldLease>> leases_ ABSL_GUARDED_BY(mutex_);
  bool handing_back_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace headscope::worker
