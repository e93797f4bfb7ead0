#include "worker/link/session_keeper.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "proto/support/error.h"
#include "proto/support/log.h"
#include "proto/support/worker_protocol.h"
#include "worker/link/catalogue_codec.h"

namespace headscope::worker {
namespace {

constexpr absl::Duration kComplaintInterval = absl::Seconds(30);
// Whatever a server asks for.
constexpr absl::Duration kLongestDelay = absl::Minutes(1);
// Heartbeats that the server answers at once, for whatever reason, follow each other no faster.
constexpr absl::Duration kLeastHeartbeatInterval = absl::Milliseconds(100);

// Trying again would not help.
bool IsFinal(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kUnimplemented:
      return true;
    default:
      return false;
  }
}

}  // namespace

SessionKeeper::SessionKeeper(LinkParts parts, std::function<void(const absl::Status&)> on_fatal)
    : parts_(parts),
      on_fatal_(std::move(on_fatal)),
      open_backoff_(parts.options.first_retry, parts.options.last_retry),
      loss_backoff_(parts.options.first_retry, 10 * parts.options.last_retry) {}

SessionKeeper::~SessionKeeper() {
  Wake();
  if (keep_alive_.joinable()) keep_alive_.join();
  if (report_.joinable()) report_.join();
}

void SessionKeeper::Start() {
  keep_alive_ = std::thread([this] { KeepAlive(); });
  report_ = std::thread([this] { Report(); });
}

void SessionKeeper::Wake() {
  absl::MutexLock lock(&mutex_);
  wake_ = true;
}

void SessionKeeper::KeepAlive() {
  pthread_setname_np(pthread_self(), "session");
  while (!parts_.stop.IsSet()) {
    const std::optional<SessionRef> session = parts_.session.Get();
    if (!session.has_value()) {
      WaitAfterLoss();
      if (parts_.stop.IsSet()) return;
      if (OpenSession()) {
        open_backoff_.Reset();
      } else if (refused_ || parts_.stop.WaitFor(std::max(open_backoff_.Next(), std::exchange(asked_delay_, {})))) {
        return;
      }
      continue;
    }
    const absl::Time start = absl::Now();
    const absl::Status status = SendHeartbeat(*session, /*immediate=*/false);
    if (status.ok()) {
      open_backoff_.Reset();
      parts_.stop.WaitFor(kLeastHeartbeatInterval - (absl::Now() - start));
    } else if (parts_.session.Get().has_value()) {
      parts_.stop.WaitFor(open_backoff_.Next());
    }
  }
}

void SessionKeeper::WaitAfterLoss() {
  if (opened_generation_ == 0) return;
  const bool short_lived = absl::Now() - opened_time_ < 2 * last_ttl_;
  opened_generation_ = 0;
  if (!short_lived) {
    loss_backoff_.Reset();
    return;
  }
  Log(LogLevel::kWarning,
      "the session ended soon after it was opened; if another worker runs under the same id, give each its own "
      "--worker-id",
      {{"worker", parts_.options.worker_id}});
  parts_.stop.WaitFor(loss_backoff_.Next());
}

bool SessionKeeper::Refused(const absl::Status& status) {
  if (!IsFinal(status)) return false;
  refused_ = true;
  std::string why(status.message());
  if (absl::IsUnimplemented(status)) why = "it has no worker service there; is --server its --worker-listen address?";
  on_fatal_(absl::Status(status.code(),
                         absl::StrCat("the server at ", parts_.options.server, " refuses this worker: ", why)));
  return true;
}

void SessionKeeper::TakeDelay(const absl::Status& status) {
  const std::optional<absl::Duration> asked = DetailsOf(status).retry_after;
  if (!asked.has_value()) return;
  asked_delay_ = std::min(*asked, kLongestDelay);
  if (ReasonOf(status) != "WORKER_ID_IN_USE") return;
  Log(LogLevel::kWarning, "the server holds this worker's id for another process; waiting",
      {{"worker", parts_.options.worker_id},
       {"delay", absl::FormatDuration(asked_delay_)},
       {"status", status}});
}

bool SessionKeeper::OpenSession() {
  const LinkOptions& options = parts_.options;
  v1::OpenSessionRequest request;
  request.set_worker_id(options.worker_id);
  request.set_boot_id(options.boot_id);
  request.set_min_protocol(kWorkerProtocols.min);
  request.set_max_protocol(kWorkerProtocols.max);
  request.set_build(options.build);
  request.set_device(options.device);
  request.set_device_bytes(options.device_bytes);
  for (const std::string& method : options.methods) request.add_methods(method);
  for (const ResidentModel& model : parts_.models.Resident()) *request.add_resident() = ToProto(model);
  const std::uint64_t version = parts_.catalogue.version();
  *request.mutable_catalogue() = ToProto(parts_.catalogue.Entries());
  absl::StatusOr<v1::OpenSessionResponse> response = parts_.client.OpenSession(request);
  if (response.ok() && !kWorkerProtocols.Contains(response->protocol())) {
    response = absl::FailedPreconditionError(
        absl::StrCat("it chose version ", response->protocol(), " of the worker protocol, this worker speaks ",
                     kWorkerProtocols.min, " to ", kWorkerProtocols.max));
  }
  if (!response.ok()) {
    TakeDelay(response.status());
    if (!Refused(response.status())) SetConnected(false, response.status());
    return false;
  }
  parts_.session.Opened(*response);
  parts_.metrics.SessionOpened();
  SetConnected(true, absl::OkStatus());
  const std::optional<SessionRef> session = parts_.session.Get();
  if (!session.has_value()) return true;
  opened_generation_ = session->generation;
  opened_time_ = absl::Now();
  last_ttl_ = session->session_ttl;
  Log(LogLevel::kInfo, "session open",
      {{"server", options.server},
       {"worker", options.worker_id},
       {"epoch", session->epoch},
       {"models", request.catalogue().entries_size()}});
  absl::MutexLock lock(&mutex_);
  sent_version_ = version;
  sent_generation_ = session->generation;
  return true;
}

v1::HeartbeatRequest SessionKeeper::MakeHeartbeat(const SessionRef& session, bool immediate,
                                                  std::uint64_t catalogue_version) {
  v1::HeartbeatRequest request;
  request.set_session(session.session);
  request.set_epoch(session.epoch);
  for (const auto& lease : parts_.leases.Held(session.generation)) {
    v1::Held& held = *request.add_held();
    held.mutable_lease()->set_shard(lease->shard());
    held.mutable_lease()->set_fence(lease->fence());
    held.set_samples_done(lease->samples_done());
    held.set_tokens_done(lease->tokens_done());
  }
  for (const ResidentModel& model : parts_.models.Resident()) *request.add_resident() = ToProto(model);
  request.set_free_bytes(static_cast<std::uint64_t>(std::max<std::int64_t>(0, parts_.models.FreeBytes())));
  request.set_immediate(immediate);
  bool catalogue_changed = false;
  {
    absl::MutexLock lock(&mutex_);
    catalogue_changed = sent_generation_ != session.generation || sent_version_ != catalogue_version;
  }
  if (catalogue_changed) *request.mutable_catalogue() = ToProto(parts_.catalogue.Entries());
  return request;
}

absl::Status SessionKeeper::SendHeartbeat(const SessionRef& session, bool immediate) {
  const std::uint64_t version = parts_.catalogue.version();
  const v1::HeartbeatRequest request = MakeHeartbeat(session, immediate, version);
  // An answer that is lost leaves time for another try before the session ends.
  const absl::Duration deadline = session.heartbeat_interval + session.session_ttl / 2;
  const absl::StatusOr<v1::HeartbeatResponse> response = parts_.client.Heartbeat(request, deadline);
  if (!response.ok()) {
    if (!parts_.session.CheckStale(response.status(), session.generation)) SetConnected(false, response.status());
    return response.status();
  }
  SetConnected(true, absl::OkStatus());
  for (const v1::LeaseRef& lease : response->abandon()) parts_.leases.Abandon(lease.shard(), lease.fence());
  parts_.session.SetPaused(session.generation, response->drain());
  absl::MutexLock lock(&mutex_);
  if (request.has_catalogue()) {
    sent_version_ = version;
    sent_generation_ = session.generation;
  }
  return absl::OkStatus();
}

void SessionKeeper::Report() {
  pthread_setname_np(pthread_self(), "report");
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&wake_));
      wake_ = false;
    }
    if (parts_.stop.IsSet()) return;
    // Errors are the other thread's business; what was to be said goes with its next heartbeat.
    const std::optional<SessionRef> session = parts_.session.Get();
    if (session.has_value()) (void)SendHeartbeat(*session, /*immediate=*/true);
    if (parts_.stop.WaitFor(parts_.options.report_interval)) return;
  }
}

void SessionKeeper::SetConnected(bool connected, const absl::Status& status) {
  if (parts_.stop.IsSet() || absl::IsCancelled(status)) return;
  parts_.metrics.SetConnected(connected);
  bool was_connected = false;
  bool complain = false;
  {
    absl::MutexLock lock(&mutex_);
    was_connected = std::exchange(connected_, connected);
    complain = !connected && absl::Now() >= next_complaint_;
    if (complain) next_complaint_ = absl::Now() + kComplaintInterval;
    if (connected) next_complaint_ = absl::InfinitePast();
  }
  if (complain) {
    const bool away = absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
    Log(LogLevel::kWarning,
        away ? "the server cannot be reached; trying again until it can" : "the server refuses a call; trying again",
        {{"server", parts_.options.server}, {"error", status.message()}});
  }
  if (connected && !was_connected) Log(LogLevel::kInfo, "the server answers", {{"server", parts_.options.server}});
}

}  // namespace headscope::worker
