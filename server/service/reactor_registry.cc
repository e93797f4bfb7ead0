#include "server/service/reactor_registry.h"

#include <utility>

namespace headscope::server {

void ReactorRegistry::Add(std::shared_ptr<LiveStream> stream) {
  absl::Status ended;
  {
    absl::MutexLock lock(&mutex_);
    streams_[stream.get()] = stream;
    ended = ended_;
  }
  if (!ended.ok()) stream->End(std::move(ended));
}

void ReactorRegistry::Remove(LiveStream* stream) {
  // Destroyed outside the lock.
  std::shared_ptr<LiveStream> removed;
  absl::MutexLock lock(&mutex_);
  const auto at = streams_.find(stream);
  if (at == streams_.end()) return;
  removed = std::move(at->second);
  streams_.erase(at);
}

void ReactorRegistry::EndAll(absl::Status status) {
  std::vector<std::shared_ptr<LiveStream>> live;
  {
    absl::MutexLock lock(&mutex_);
    ended_ = status;
    for (const auto& [key, stream] : streams_) live.push_back(stream);
  }
  for (const auto& stream : live) stream->End(status);
}

std::size_t ReactorRegistry::size() const {
  absl::MutexLock lock(&mutex_);
  return streams_.size();
}

}  // namespace headscope::server
