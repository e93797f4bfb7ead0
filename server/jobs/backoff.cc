#include "server/jobs/backoff.h"

#include <algorithm>

namespace headscope::server {

absl::Duration Backoff(std::uint32_t failures, RandomSource& random) {
  const std::uint32_t doublings = std::min<std::uint32_t>(failures == 0 ? 0 : failures - 1, 30);
  const absl::Duration delay = std::min(kBackoffBase * (std::int64_t{1} << doublings), kBackoffCap);
  // 53 random bits: [0, 1).
  const double fraction = static_cast<double>(random.Next() >> 11) * 0x1.0p-53;
  return delay * (0.5 + fraction);
}

}  // namespace headscope::server
