// Every call in progress on the worker listener, so that stopping can end them all.
#pragma once

#include <map>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace headscope::server {

class LiveCall {
 public:
  virtual ~LiveCall() = default;
  // Ends the call with an error as soon as it may; nothing happens when it has ended.
  virtual void Abort(const absl::Status& status) = 0;
};

// Thread-safe.
class LiveCalls {
 public:
  // False when closed: the call must end at once.
  bool Add(const std::shared_ptr<LiveCall>& call);
  void Remove(const LiveCall* call);
  // Aborts every call; later ones are refused.
  void Close(const absl::Status& status);

 private:
  absl::Mutex mutex_;
  std::map<const LiveCall*, std::weak_ptr<LiveCall>> calls_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace headscope::server
