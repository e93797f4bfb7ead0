#include "worker/link/held_leases.h"

#include <utility>

namespace headscope::worker {

std::shared_ptr<HeldLease> HeldLeases::Add(std::string shard, std::uint64_t fence, std::uint64_t generation) {
  auto lease = std::make_shared<HeldLease>(std::move(shard), fence, generation);
  absl::MutexLock lock(&mutex_);
  if (handing_back_) lease->HandBack(/*hurry=*/true);
  leases_.push_back(lease);
  return lease;
}

void HeldLeases::Remove(const std::shared_ptr<HeldLease>& lease) {
  absl::MutexLock lock(&mutex_);
  std::erase(leases_, lease);
}

void HeldLeases::Abandon(const std::string& shard, std::uint64_t fence) {
  absl::MutexLock lock(&mutex_);
  for (const auto& lease : leases_) {
    if (lease->shard() == shard && lease->fence() == fence) lease->Abandon();
  }
}

void HeldLeases::AbandonGeneration(std::uint64_t generation) {
  absl::MutexLock lock(&mutex_);
  for (const auto& lease : leases_) {
    if (lease->generation() == generation) lease->Abandon();
  }
}

void HeldLeases::HandBackAll(bool hurry) {
  absl::MutexLock lock(&mutex_);
  handing_back_ = true;
  for (const auto& lease : leases_) lease->HandBack(hurry);
}

std::vector<std::shared_ptr<HeldLease>> HeldLeases::Held(std::uint64_t generation) const {
  absl::MutexLock lock(&mutex_);
  std::vector<std::shared_ptr<HeldLease>> held;
  for (const auto& lease : leases_) {
    if (lease->generation() == generation && !lease->abandoned()) held.push_back(lease);
  }
  return held;
}

}  // namespace headscope::worker
