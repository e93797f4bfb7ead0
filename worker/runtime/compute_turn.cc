#include "worker/runtime/compute_turn.h"

#include "absl/time/time.h"

namespace headscope::worker {
namespace {

// Between looks at `stopped`, which cannot wake anybody.
constexpr absl::Duration kPatience = absl::Milliseconds(20);

}  // namespace

bool ComputeTurn::Take(const std::function<bool()>& stopped) {
  const auto free = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !taken_; };
  while (!stopped()) {
    absl::MutexLock lock(&mutex_);
    if (!mutex_.AwaitWithTimeout(absl::Condition(&free), kPatience)) continue;
    taken_ = true;
    return true;
  }
  return false;
}

void ComputeTurn::Give() {
  absl::MutexLock lock(&mutex_);
  taken_ = false;
}

}  // namespace headscope::worker
