// Sweeps into messages.
#pragma once

#include "absl/time/time.h"
#include "headscope/v1/sweep.pb.h"
#include "server/fleet/fleet.h"
#include "server/jobs/sweep.h"

namespace headscope::server {

// With its cells, as far as it has them, and what running leases have done beyond the stored counts. A sweep without an
// id (validate_only) has no name either.
v1::Sweep ToProto(const Sweep& sweep, const Fleet& fleet, absl::Time now);

}  // namespace headscope::server
