// A server stream read with a deadline per message: gRPC's blocking read can neither time out nor be interrupted.
#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace headscope::client {

// One call. Next is called by one thread; gRPC's threads call the reactions. One message is held at a time, so a slow
// reader slows the server down.
template <typename Response>
class StreamReader final : public grpc::ClientReadReactor<Response> {
 public:
  enum class Event { kMessage, kTimeout, kEnded };

  // `start` is called with the context and this reader and begins the call: stub->async()->WatchJob(context, ...).
  template <typename Start>
  explicit StreamReader(const Start& start) {
    start(&context_, this);
    // Reads are started from outside of reactions, which gRPC allows only under a hold.
    this->AddHold();
    this->StartRead(&incoming_);
    this->StartCall();
  }

  // Cancels what still runs.
  ~StreamReader() override {
    context_.TryCancel();
    bool release = false;
    {
      absl::MutexLock lock(&mutex_);
      closing_ = true;
      release = ready_ && !released_;
      if (release) released_ = true;
    }
    if (release) this->RemoveHold();
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&done_));
  }

  // Waits for a message at most `timeout`. After kEnded the status is final.
  Event Next(absl::Duration timeout, Response& message) {
    {
      absl::MutexLock lock(&mutex_);
      mutex_.AwaitWithTimeout(absl::Condition(this, &StreamReader::SomethingHappened), timeout);
      if (!ready_) return done_ ? Event::kEnded : Event::kTimeout;
      message = std::move(incoming_);
      ready_ = false;
    }
    incoming_.Clear();
    this->StartRead(&incoming_);
    return Event::kMessage;
  }

  grpc::Status status() const {
    absl::MutexLock lock(&mutex_);
    return status_;
  }

 private:
  bool SomethingHappened() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return ready_ || done_; }

  void OnReadDone(bool ok) override {
    bool release = false;
    {
      absl::MutexLock lock(&mutex_);
      ready_ = ok;
      release = (!ok || closing_) && !released_;
      if (release) released_ = true;
    }
    if (release) this->RemoveHold();
  }

  void OnDone(const grpc::Status& status) override {
    absl::MutexLock lock(&mutex_);
    status_ = status;
    done_ = true;
  }

  grpc::ClientContext context_;
  // Written by gRPC while a read is under way; that is, while ready_ is false.
  Response incoming_;
  mutable absl::Mutex mutex_;
  bool ready_ ABSL_GUARDED_BY(mutex_) = false;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  bool released_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::Status status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace headscope::client
