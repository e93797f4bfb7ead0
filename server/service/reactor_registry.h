// The live streams: who keeps them alive, and who ends them when the server goes.
#pragma once

#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace headscope::server {

// A stream that can be ended from outside.
class LiveStream {
 public:
  virtual ~LiveStream() = default;
  // Finishes the stream with `status` soon, if it has not finished; any thread, repeatedly.
  virtual void End(absl::Status status) = 0;
};

// Owns every stream from its start to its OnDone. gRPC 1.51's Server::Shutdown does not return while a stream is
// unfinished, whatever its deadline. Thread-safe.
class ReactorRegistry {
 public:
  // A stream that comes after EndAll is ended at once.
  void Add(std::shared_ptr<LiveStream> stream);
  // Drops it; may destroy it.
  void Remove(LiveStream* stream);
  void EndAll(absl::Status status);
  std::size_t size() const;

 private:
  mutable absl::Mutex mutex_;
  absl::Status ended_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<LiveStream*, std::shared_ptr<LiveStream>> streams_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace headscope::server
