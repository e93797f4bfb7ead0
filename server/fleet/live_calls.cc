#include "server/fleet/live_calls.h"

#include <vector>

namespace headscope::server {

bool LiveCalls::Add(const std::shared_ptr<LiveCall>& call) {
  absl::MutexLock lock(&mutex_);
  if (closed_) return false;
  calls_.emplace(call.get(), call);
  return true;
}

void LiveCalls::Remove(const LiveCall* call) {
  absl::MutexLock lock(&mutex_);
  calls_.erase(call);
}

void LiveCalls::Close(const absl::Status& status) {
  std::vector<std::shared_ptr<LiveCall>> live;
  {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
    for (const auto& [address, call] : calls_) {
      if (auto shared = call.lock()) live.push_back(std::move(shared));
    }
  }
  for (const auto& call : live) call->Abort(status);
}

}  // namespace headscope::server
