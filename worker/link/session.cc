#include "worker/link/session.h"

#include "proto/support/error.h"
#include "proto/support/log.h"

namespace headscope::worker {
namespace {

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

}  // namespace

std::optional<SessionRef> Session::Get() const {
  absl::MutexLock lock(&mutex_);
  return current_;
}

std::optional<SessionRef> Session::WaitForLeasing() const {
  absl::MutexLock lock(&mutex_);
  const auto ready = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return leasing_closed_ || (current_.has_value() && !paused_);
  };
  mutex_.Await(absl::Condition(&ready));
  return leasing_closed_ ? std::nullopt : current_;
}

void Session::Opened(const v1::OpenSessionResponse& response) {
  absl::MutexLock lock(&mutex_);
  current_ = SessionRef{.session = response.session(),
                        .epoch = response.epoch(),
                        .generation = ++generation_,
                        .heartbeat_interval = ToDuration(response.heartbeat_interval()),
                        .session_ttl = ToDuration(response.session_ttl())};
  paused_ = false;
}

void Session::Lost(std::uint64_t generation) {
  {
    absl::MutexLock lock(&mutex_);
    if (!current_.has_value() || current_->generation != generation) return;
    current_.reset();
  }
  Log(LogLevel::kWarning, "the server has ended the session: its work is stopped");
  leases_.AbandonGeneration(generation);
  client_.CancelCalls();
}

void Session::Forget() {
  absl::MutexLock lock(&mutex_);
  current_.reset();
}

void Session::SetPaused(std::uint64_t generation, bool paused) {
  absl::MutexLock lock(&mutex_);
  if (current_.has_value() && current_->generation == generation) paused_ = paused;
}

void Session::CloseLeasing() {
  absl::MutexLock lock(&mutex_);
  leasing_closed_ = true;
}

bool Session::CheckStale(const absl::Status& status, std::uint64_t generation) {
  if (!absl::IsAborted(status) || ReasonOf(status) != "STALE_SESSION") return false;
  Lost(generation);
  return true;
}

}  // namespace headscope::worker
