#include "server/service/watch_stream.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/limits.h"
#include "server/service/convert.h"
#include "server/service/resource_names.h"

namespace headscope::server {
namespace {

constexpr MethodName kMethod{"headscope.v1.AttributionService", "WatchJob", RpcType::kServerStream};

}  // namespace

WatchStream::WatchStream(Shared& shared, const grpc::CallbackServerContext& rpc, const v1::WatchJobRequest& request)
    : OutgoingStream(shared, rpc, kMethod),
      after_sequence_(request.has_after_sequence() ? std::optional(request.after_sequence()) : std::nullopt) {
  Violations violations;
  job_id_ = ParseJobName(request.name(), "name", violations);
  refused_ = violations.status();
  if (refused_.ok()) scope_.SetResource(JobName(job_id_));
}

void WatchStream::Start() {
  if (!refused_.ok()) return End(refused_);
  if (shared_.context.events.watcher_count() >= kMaxWatchers) {
    return End(MakeError(absl::StatusCode::kResourceExhausted,
                         absl::StrCat("there are ", kMaxWatchers, " watchers already; poll GetJob, or try again later"),
                         ErrorDetails{"TOO_MANY_WATCHERS", {}, absl::Seconds(10)}));
  }
  const bool posted = shared_.context.store.Post([self = Self()](JobStore& store) { self->Open(store); });
  if (!posted) End(DrainingError());
}

void WatchStream::Open(JobStore& store) {
  if (ended()) return;
  if (absl::StatusOr<Job> job = store.GetJob(job_id_); !job.ok()) return End(job.status());
  auto subscription = shared_.context.events.Subscribe(
      job_id_, after_sequence_, [weak = std::weak_ptr<WatchStream>(Self())](const JobEvent& event) {
        if (const auto self = weak.lock()) self->OnEvent(event);
      });
  shared_.context.metrics.SetWatchers(shared_.context.events.watcher_count());
  absl::StatusOr<Job> job = store.GetJob(job_id_);
  if (!job.ok()) return End(job.status());
  {
    absl::MutexLock lock(&mutex_);
    // A client that is gone already has nobody to drop the subscription but this call.
    if (over_) return;
    const absl::Time now = shared_.context.clock.Now();
    sequence_ = subscription->start_sequence;
    if (!subscription->resumed) {
      buffer_.StartOver(sequence_, now);
    } else if (HasEnded(job->state)) {
      // No event will follow: the last snapshot is sent again.
      buffer_.Push({buffer_.newest(sequence_), now, JobChanged{true}});
    }
    subscription_ = std::move(subscription);
    job_ = *std::move(job);
    busy_ = false;
  }
  ArmHeartbeat();
  Pump();
}

void WatchStream::OnEvent(const JobEvent& event) {
  {
    absl::MutexLock lock(&mutex_);
    buffer_.Push(event);
  }
  Pump();
}

void WatchStream::Pump() {
  std::optional<JobEvent> event;
  {
    absl::MutexLock lock(&mutex_);
    if (busy_) return;
    event = buffer_.Pop();
    if (!event) return;
    busy_ = true;
  }
  if (const auto* attempt = std::get_if<Attempt>(&event->event)) {
    v1::WatchJobResponse message;
    *message.mutable_attempt() = ToProto(*attempt);
    return SendEvent(std::move(message), *event);
  }
  if (std::holds_alternative<LiveProgress>(event->event)) return SendProgress(*event);
  const bool posted = shared_.context.store.Post(
      [self = Self(), change = *event](JobStore& store) { self->SendSnapshot(store, change); });
  if (!posted) End(DrainingError());
}

LiveProgress WatchStream::NeverBack(const Job& job, const LiveProgress& progress) {
  if (job.state == job_.state && job.prepared == job_.prepared) {
    progress_ = {std::max(progress_.samples_done, progress.samples_done),
                 std::max(progress_.tokens_done, progress.tokens_done)};
  } else {
    progress_ = progress;
  }
  return progress_;
}

void WatchStream::SendSnapshot(JobStore& store, const JobEvent& change) {
  if (ended()) return;
  absl::StatusOr<JobView> view = ReadView(store, job_id_, shared_.context.fleet, shared_.context.clock.Now());
  if (!view.ok()) return End(view.status());
  v1::WatchJobResponse message;
  {
    absl::MutexLock lock(&mutex_);
    view->progress = NeverBack(view->job, view->progress);
    job_ = view->job;
    last_sent_ = HasEnded(job_.state);
  }
  *message.mutable_snapshot() = ToProto(*view);
  SendEvent(std::move(message), change);
}

void WatchStream::SendProgress(const JobEvent& event) {
  v1::WatchJobResponse message;
  {
    absl::MutexLock lock(&mutex_);
    const LiveProgress progress = NeverBack(job_, std::get<LiveProgress>(event.event));
    *message.mutable_progress() =
        ToProto(job_, progress, EstimateRemaining(job_, progress, shared_.context.clock.Now()));
  }
  SendEvent(std::move(message), event);
}

void WatchStream::SendEvent(v1::WatchJobResponse message, const JobEvent& event) {
  {
    absl::MutexLock lock(&mutex_);
    sequence_ = std::max(sequence_, event.sequence);
    message.set_sequence(sequence_);
    silent_ = false;
  }
  *message.mutable_time() = ToProto(event.time);
  Write(std::move(message));
}

void WatchStream::OnWritten() {
  bool last = false;
  {
    absl::MutexLock lock(&mutex_);
    busy_ = false;
    last = last_sent_;
  }
  if (last) return End(absl::OkStatus());
  Pump();
}

void WatchStream::ArmHeartbeat() {
  const auto interval = absl::ToChronoMilliseconds(shared_.context.watch_heartbeat);
  absl::MutexLock lock(&mutex_);
  if (over_) return;
  // A new one each time: an alarm must not be set again inside its own callback.
  heartbeat_ = std::make_unique<grpc::Alarm>();
  heartbeat_->Set(std::chrono::system_clock::now() + interval,
                  [weak = std::weak_ptr<WatchStream>(Self())](bool elapsed) {
                    const auto self = weak.lock();
                    if (elapsed && self) self->Beat();
                  });
}

void WatchStream::Beat() {
  v1::WatchJobResponse message;
  bool send = false;
  {
    absl::MutexLock lock(&mutex_);
    send = silent_ && !busy_ && buffer_.size() == 0;
    if (send) busy_ = true;
    silent_ = true;
    message.set_sequence(sequence_);
  }
  if (send) {
    message.mutable_heartbeat();
    *message.mutable_time() = ToProto(shared_.context.clock.Now());
    Write(std::move(message));
  }
  ArmHeartbeat();
}

void WatchStream::OnOver() {
  std::unique_ptr<JobEvents::Subscription> subscription;
  std::unique_ptr<grpc::Alarm> heartbeat;
  {
    absl::MutexLock lock(&mutex_);
    over_ = true;
    subscription = std::move(subscription_);
    heartbeat = std::move(heartbeat_);
  }
  subscription.reset();
  shared_.context.metrics.SetWatchers(shared_.context.events.watcher_count());
}

}  // namespace headscope::server
