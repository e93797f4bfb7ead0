// A server stream that writes one message at a time and ends exactly once.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "server/service/call_scope.h"
#include "server/service/shared.h"

namespace headscope::server {

// Base of the streaming methods. What gRPC asks of a reactor is kept here: one write at a time, its message alive until
// it is done; one Finish, after the last write is done; no lock held over either. Thread-safe.
template <typename Response>
class OutgoingStream : public grpc::ServerWriteReactor<Response>,
                       public LiveStream,
                       public std::enable_shared_from_this<OutgoingStream<Response>> {
 public:
  OutgoingStream(Shared& shared, const grpc::CallbackServerContext& rpc, const MethodName& name)
      : shared_(shared), scope_(shared.context, rpc, name) {}

  void End(absl::Status status) override {
    {
      absl::MutexLock lock(&write_mutex_);
      if (ended_) return;
      ended_ = true;
      status_ = std::move(status);
      if (writing_) return;
    }
    FinishNow();
  }

 protected:
  // Called after every write that went well, and never while one is under way.
  virtual void OnWritten() = 0;
  // The call is over; no reaction follows. Before the stream is dropped.
  virtual void OnOver() {}

  // Nothing while another write is under way (a mistake of the caller's) or when the stream has ended.
  void Write(Response message) {
    {
      absl::MutexLock lock(&write_mutex_);
      if (ended_ || writing_) return;
      writing_ = true;
      message_ = std::move(message);
    }
    scope_.Sent();
    this->StartWrite(&message_);
  }
  bool ended() const {
    absl::MutexLock lock(&write_mutex_);
    return ended_;
  }

  Shared& shared_;
  CallScope scope_;

 private:
  void OnWriteDone(bool ok) final {
    bool finish = false;
    {
      absl::MutexLock lock(&write_mutex_);
      writing_ = false;
      if (!ok && !ended_) {
        ended_ = true;
        status_ = absl::CancelledError("the client went away");
      }
      finish = ended_;
    }
    if (finish) return FinishNow();
    OnWritten();
  }
  void OnCancel() final { End(absl::CancelledError("the client cancelled the call")); }
  void OnDone() final {
    OnOver();
    // May destroy this.
    shared_.streams.Remove(this);
  }
  // Reached once: by End without a write under way, or by the end of that write.
  void FinishNow() {
    absl::Status status;
    {
      absl::MutexLock lock(&write_mutex_);
      status = status_;
    }
    this->Finish(scope_.End(status));
  }

  mutable absl::Mutex write_mutex_;
  bool writing_ ABSL_GUARDED_BY(write_mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(write_mutex_) = false;
  absl::Status status_ ABSL_GUARDED_BY(write_mutex_);
  // Belongs to gRPC while writing_.
  Response message_;
};

}  // namespace headscope::server
