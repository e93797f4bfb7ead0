// What happens every second: dead sessions are reaped, back-offs end, gauges are set.
#pragma once

#include <atomic>
#include <chrono>

#include "server/fleet/fleet_parts.h"
#include "server/jobs/job_events.h"

namespace headscope::server {

// Thread-safe. Work is done on the store's thread, one round at a time.
class Reaper {
 public:
  // Both outlive this.
  Reaper(FleetParts& parts, JobEvents& events) : parts_(parts), events_(events), last_time_(parts.clock.Now()) {}
  // Ticks until the timers stop.
  void Start();

 private:
  void Tick();
  void Round(JobStore& store);
  // This process was away (stopped, suspended) or the clock was set: nobody could be heard meanwhile, so silence proves
  // nothing. Sessions and leases get their time anew.
  void ForgivePause(JobStore& store);
  // Who was heard lives, whatever could be written of it.
  absl::Status KeepHeard(JobStore& store);
  // Sessions that the store has reaped meanwhile.
  void ForgetDead(JobStore& store);
  // Wakes the dispatcher when the earliest back-off ends.
  void WakeAfterBackOff(JobStore& store);
  void SetGauges(JobStore& store);

  FleetParts& parts_;
  JobEvents& events_;
  std::atomic<bool> round_posted_ = false;
  // Of the last round; used on the store's thread.
  std::chrono::steady_clock::time_point last_steady_ = std::chrono::steady_clock::now();
  absl::Time last_time_;
};

}  // namespace headscope::server
