// AttributionService.WatchJob: a job followed until it ends.
#pragma once

#include <grpcpp/alarm.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "headscope/v1/attribution_service.pb.h"
#include "server/jobs/job_events.h"
#include "server/service/job_view.h"
#include "server/service/outgoing_stream.h"
#include "server/service/watch_buffer.h"

namespace headscope::server {

// Snapshot first unless the client's sequence is still known; then events one by one, the job read again for every
// change; heartbeats in between; ends after the snapshot of the ended job. A slow client costs one message and a
// WatchBuffer. Thread-safe.
class WatchStream : public OutgoingStream<v1::WatchJobResponse> {
 public:
  WatchStream(Shared& shared, const grpc::CallbackServerContext& rpc, const v1::WatchJobRequest& request);
  // Once, after construction.
  void Start();

 private:
  std::shared_ptr<WatchStream> Self() { return std::static_pointer_cast<WatchStream>(shared_from_this()); }

  // On the store's thread: subscribes, then reads the job, in this order, so that nothing is missed in between.
  void Open(JobStore& store);
  void OnEvent(const JobEvent& event);
  // Sends what waits, when nothing is on its way.
  void Pump();
  // On the store's thread: the job as it is now, as the answer to `change`.
  void SendSnapshot(JobStore& store, const JobEvent& change);
  void SendProgress(const JobEvent& event);
  void SendEvent(v1::WatchJobResponse message, const JobEvent& event);
  void ArmHeartbeat();
  void Beat();
  // Within a state, work that is done stays done for the watcher.
  LiveProgress NeverBack(const Job& job, const LiveProgress& progress) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  void OnWritten() override;
  void OnOver() override;

  std::string job_id_;
  const std::optional<std::uint64_t> after_sequence_;
  absl::Status refused_;

  absl::Mutex mutex_;
  std::unique_ptr<JobEvents::Subscription> subscription_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<grpc::Alarm> heartbeat_ ABSL_GUARDED_BY(mutex_);
  WatchBuffer buffer_ ABSL_GUARDED_BY(mutex_);
  // Until the stream is open events only gather.
  bool busy_ ABSL_GUARDED_BY(mutex_) = true;
  // The next end of a write is the end of the stream.
  bool last_sent_ ABSL_GUARDED_BY(mutex_) = false;
  bool over_ ABSL_GUARDED_BY(mutex_) = false;
  bool silent_ ABSL_GUARDED_BY(mutex_) = true;
  std::uint64_t sequence_ ABSL_GUARDED_BY(mutex_) = 0;
  // As last read, for totals and rate.
  Job job_ ABSL_GUARDED_BY(mutex_);
  LiveProgress progress_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace headscope::server
