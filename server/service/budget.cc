#include "server/service/budget.h"

namespace headscope::server {

Budget::Share Budget::Take(std::uint64_t amount) {
  {
    absl::MutexLock lock(&mutex_);
    if (amount > whole_ - taken_) return nullptr;
    taken_ += amount;
  }
  return Share(this, [this, amount](const void*) { GiveBack(amount); });
}

std::uint64_t Budget::taken() const {
  absl::MutexLock lock(&mutex_);
  return taken_;
}

void Budget::GiveBack(std::uint64_t amount) {
  absl::MutexLock lock(&mutex_);
  taken_ -= amount;
}

}  // namespace headscope::server
