// A job store that times every operation of another.
#pragma once

#include <memory>

#include "server/metrics/metrics.h"
#include "server/store/job_store.h"

namespace headscope::server {

// headscope_store_operation_seconds by operation and outcome. `store` and `metrics` outlive the result.
std::unique_ptr<JobStore> MeasureStore(JobStore& store, Metrics& metrics);

}  // namespace headscope::server
