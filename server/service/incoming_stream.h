// A client stream that reads one message at a time and is answered exactly once.
#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/service/call_scope.h"
#include "server/service/idle_limit.h"
#include "server/service/shared.h"

namespace headscope::server {

// Base of the methods that take a stream: reads a message, the subclass works on it on an executor and asks for the
// next, so that nothing but the end is shared between threads. Thread-safe.
template <typename Request, typename Response>
class IncomingStream : public grpc::ServerReadReactor<Request>,
                       public LiveStream,
                       public std::enable_shared_from_this<IncomingStream<Request, Response>> {
 public:
  IncomingStream(Shared& shared, const grpc::CallbackServerContext& rpc, const MethodName& name, Response* response)
      : shared_(shared), scope_(shared.context, rpc, name), response_(response) {}

  void End(absl::Status status) override { Close(std::move(status), {}); }

 protected:
  // `message_` has come. In gRPC's reaction: hands it to an executor, which leads to ReadNext or Close.
  virtual void OnMessage() = 0;
  // The client has closed its side after its last message, in order. In gRPC's reaction.
  virtual void OnClosed() = 0;
  // The client has kept the stream waiting for as long as LimitIdle allows; neither of the above follows. Leads to
  // Close.
  virtual void OnIdle() { End(absl::DeadlineExceededError("the next message did not come in time")); }

  // From now on every wait for a message is limited. Once, before the first ReadNext.
  void LimitIdle(absl::Duration limit) {
    {
      absl::MutexLock lock(&mutex_);
      idle_.emplace(absl::ToChronoNanoseconds(limit));
    }
    AskLater(absl::ToChronoNanoseconds(limit));
  }

  // Asks for the next message, unless the stream has ended.
  void ReadNext() {
    {
      absl::MutexLock lock(&mutex_);
      if (ended_) return;
      ++starting_reads_;
      if (idle_) idle_->Wait(std::chrono::steady_clock::now());
    }
    this->StartRead(&message_);
    {
      absl::MutexLock lock(&mutex_);
      if (--starting_reads_ > 0 || !ended_) return;
    }
    FinishNow();
  }

  // The first to come decides how the call ends. `answer` counts where `status` is OK.
  void Close(absl::Status status, Response answer) {
    {
      absl::MutexLock lock(&mutex_);
      if (ended_) return;
      ended_ = true;
      status_ = std::move(status);
      answer_ = std::move(answer);
      if (starting_reads_ > 0) return;
    }
    FinishNow();
  }

  bool ended() const {
    absl::MutexLock lock(&mutex_);
    return ended_;
  }

  Shared& shared_;
  CallScope scope_;
  Request message_;

 private:
  void OnReadDone(bool ok) final {
    {
      absl::MutexLock lock(&mutex_);
      if (ended_ || given_up_) return;
      if (idle_) idle_->Came();
    }
    if (ok) {
      scope_.Received();
      return OnMessage();
    }
    if (absl::Status wanted = scope_.CheckWanted(); !wanted.ok()) return End(std::move(wanted));
    OnClosed();
  }
  void OnCancel() final { End(absl::CancelledError("the client cancelled the call")); }
  void OnDone() final {
    // May destroy this.
    shared_.streams.Remove(this);
  }

  // One alarm at a time asks how long the wait has been, however many messages come.
  void AskLater(IdleLimit::Duration delay) {
    absl::MutexLock lock(&mutex_);
    if (ended_) return;
    // A new one each time: an alarm must not be set again inside its own callback.
    alarm_ = std::make_unique<grpc::Alarm>();
    alarm_->Set(std::chrono::system_clock::now() + delay, [weak = this->weak_from_this()](bool elapsed) {
      const auto self = weak.lock();
      if (elapsed && self) self->AskIdle();
    });
  }
  void AskIdle() {
    IdleLimit::Duration left;
    {
      absl::MutexLock lock(&mutex_);
      if (ended_) return;
      left = idle_->Left(std::chrono::steady_clock::now());
      given_up_ = left == IdleLimit::Duration::zero();
    }
    if (left > IdleLimit::Duration::zero()) return AskLater(left);
    OnIdle();
  }

  void FinishNow() {
    absl::Status status;
    {
      absl::MutexLock lock(&mutex_);
      status = status_;
      // Until Finish the response lives.
      if (status.ok()) *response_ = std::move(answer_);
    }
    this->Finish(scope_.End(status));
  }

  Response* const response_;
  mutable absl::Mutex mutex_;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  Response answer_ ABSL_GUARDED_BY(mutex_);
  // Threads inside StartRead: a call that is finished under their hands would be gone. The last one out finishes it.
  int starting_reads_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<IdleLimit> idle_ ABSL_GUARDED_BY(mutex_);
  // OnIdle has the word.
  bool given_up_ ABSL_GUARDED_BY(mutex_) = false;
  std::unique_ptr<grpc::Alarm> alarm_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace headscope::server
