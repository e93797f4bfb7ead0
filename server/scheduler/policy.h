// Which shard a worker that asks for work is given. A pure function of what it is told.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "server/jobs/candidate.h"

namespace headscope::server {

// What the asking worker can take.
struct WorkerOffer {
  // Names of the models in its memory.
  std::set<std::string> resident;
  // Every model it can run: name to digest (32 raw bytes; empty while not hashed).
  std::map<std::string, std::string> catalogue;
  // Contents (model, digest) that it has not, whatever the catalogue says.
  std::set<std::pair<std::string, std::string>> unfit;
  bool prepare = false;
  bool score = false;
};

// How long at most a job waits so that a worker may go on with a model it holds already.
inline constexpr absl::Duration kAffinityHold = absl::Seconds(10);

// The shard to lease, or none. Only jobs whose model the worker has are considered, with the pinned digest where there
// is one. Order: higher priority; fewer leased shards (jobs share the workers evenly); model resident, or waited for
// longer than kAffinityHold, in which case residence no longer counts against it; older job.
std::optional<std::string> ChooseShard(const std::vector<Candidate>& candidates, const WorkerOffer& offer);

}  // namespace headscope::server
