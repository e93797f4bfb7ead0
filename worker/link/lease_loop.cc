#include "worker/link/lease_loop.h"

#include <pthread.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/time/clock.h"

namespace headscope::worker {
namespace {

// Questions that the server answers at once without work follow each other no faster.
constexpr absl::Duration kLeastInterval = absl::Milliseconds(100);

}  // namespace

void LeaseLoop::Start() {
  for (int i = 0; i < threads_wanted_; ++i) threads_.emplace_back([this] { Loop(); });
}

void LeaseLoop::Join() {
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void LeaseLoop::Loop() {
  pthread_setname_np(pthread_self(), name_.c_str());
  while (WorkOnce()) {
  }
}

bool LeaseLoop::WorkOnce() {
  baton_.Take();
  bool has_baton = true;
  const auto pass = [&] {
    if (std::exchange(has_baton, false)) baton_.Pass();
  };
  const std::optional<SessionRef> session = parts_.session.WaitForLeasing();
  if (session.has_value()) AskOnce(*session, pass);
  pass();
  return session.has_value();
}

void LeaseLoop::AskOnce(const SessionRef& session, const std::function<void()>& nearly_done) {
  v1::LeaseShardRequest request;
  request.set_session(session.session);
  request.set_epoch(session.epoch);
  const absl::Duration wait = parts_.options.lease_wait;
  request.mutable_max_wait()->set_seconds(absl::ToInt64Seconds(wait));
  request.mutable_max_wait()->set_nanos(static_cast<int>(absl::ToInt64Nanoseconds(wait % absl::Seconds(1))));
  request.set_free_bytes(static_cast<std::uint64_t>(std::max<std::int64_t>(0, parts_.models.FreeBytes())));
  for (const v1::Phase phase : phases_) request.add_phases(phase);
  const absl::Time start = absl::Now();
  const absl::StatusOr<v1::LeaseShardResponse> response = parts_.client.LeaseShard(request, wait);
  if (response.ok() && response->has_shard()) return runner_.Run(session, response->shard(), nearly_done);
  if (!response.ok()) parts_.session.CheckStale(response.status(), session.generation);
  parts_.stop.WaitFor(kLeastInterval - (absl::Now() - start));
}

}  // namespace headscope::worker
