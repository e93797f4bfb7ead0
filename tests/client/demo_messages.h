// Messages as a server would send them, for tests of clients.
#pragma once

#include <cstdint>

#include "headscope/v1/attribution_service.pb.h"
#include "headscope/v1/model_service.pb.h"
#include "headscope/v1/pattern_service.pb.h"

namespace headscope::tests {

// A model "demo" of 1 layer and 2 heads.
v1::Model DemoModel();
// Job jobs/j-1 on it in the given state; one that has succeeded has pattern patterns/p-1.
v1::Job DemoJob(v1::Job::State state);
// Sweep sweeps/s-1 of model "demo" on "copy" and "sort", two samples each; its cells' jobs j-1 and j-2 are in the given
// state.
v1::Sweep DemoSweep(v1::Job::State state);
// Pattern p-1 of job j-1: {{0.5, 0.25}} with standard error {{0.1, 0.2}}.
v1::Pattern DemoPattern();
v1::WatchJobResponse Snapshot(std::uint64_t sequence, const v1::Job& job);
v1::WatchJobResponse ProgressEvent(std::uint64_t sequence, std::uint64_t samples, std::uint64_t tokens);

}  // namespace headscope::tests
