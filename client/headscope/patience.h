// When a broken call is tried again, and when not any more.
#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/headscope/client.h"

namespace headscope::client {

// Another try of the same read may succeed: the connection broke, the server is restarting.
bool IsBroken(const absl::Status& status);

// What `hooks` say to going on.
bool KeepGoing(const LongCall& hooks);
absl::Status Stopped();

// Doubling delays between tries, within one patience. Single-thread; `options` and `hooks` outlive this.
class Patience {
 public:
  Patience(const ClientOptions& options, const LongCall& hooks);

  // Something arrived: delays start small again.
  void Heard();
  // Waits before the next try after `why`, where it is RESOURCE_EXHAUSTED at least for as long as it asks for
  // (RetryInfo). An error when there shall be none: `why` itself when patience is over, CANCELLED when the caller
  // stopped.
  absl::Status WaitAfter(const absl::Status& why);

 private:
  const ClientOptions& options_;
  const LongCall& hooks_;
  absl::Duration delay_;
  absl::Time last_heard_;
};

}  // namespace headscope::client
