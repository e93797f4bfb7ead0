// Models and what is in memory of them, on the wire.
#pragma once

#include <vector>

#include "headscope/worker/v1/worker_service.pb.h"
#include "worker/runtime/model_cache.h"
#include "worker/runtime/model_entry.h"

namespace headscope::worker {

v1::Catalogue ToProto(const std::vector<ModelEntry>& entries);
v1::Resident ToProto(const ResidentModel& resident);

}  // namespace headscope::worker
