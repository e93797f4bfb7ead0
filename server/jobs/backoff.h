// How long a shard that failed waits before it is leased again.
#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "proto/support/random_source.h"

namespace headscope::server {

inline constexpr absl::Duration kBackoffBase = absl::Seconds(1);
inline constexpr absl::Duration kBackoffCap = absl::Minutes(1);

// The run_after of a shard that may be leased at once, even by a clock that was set back meanwhile.
inline constexpr absl::Time kNoBackoff = absl::UnixEpoch();
// Beyond every back-off: a run_after further ahead was written by a clock that has been set back since, and does not
// count.
inline constexpr absl::Duration kBackoffHorizon = absl::Minutes(2);

inline bool IsBackingOff(absl::Time run_after, absl::Time now) {
  return run_after > now && run_after <= now + kBackoffHorizon;
}

// kBackoffBase doubled with every failure after the first, at most kBackoffCap, times a random factor in [0.5, 1.5), so
// that shards that failed together do not come back together. `failures` is at least 1.
absl::Duration Backoff(std::uint32_t failures, RandomSource& random);

}  // namespace headscope::server
