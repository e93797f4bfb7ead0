// From a finished job to its pattern: what to read, the reduction, and where it comes from.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "headscope/v1/pattern_service.pb.h"
#include "server/analysis/reduction.h"
#include "server/jobs/job.h"
#include "server/store/blob_store.h"
#include "server/store/job_store.h"

namespace headscope::server {

// Everything about a SUCCEEDED job that its pattern needs, without the scores.
struct PatternSource {
  Job job;
  std::vector<ResultShard> shards;
  std::vector<Attempt> attempts;
  std::map<std::string, std::uint64_t> skipped;
};

// On the store's thread. NOT_FOUND / PATTERN_NOT_FOUND; FAILED_PRECONDITION / JOB_NOT_SUCCEEDED.
absl::StatusOr<PatternSource> ReadPatternSource(JobStore& store, const std::string& job_id);

// Reads and reduces shard by shard; blocks. `keep_on` is asked before every shard and ends the work with its error.
absl::StatusOr<ReducedPattern> ReducePattern(const PatternSource& source, const ReductionOptions& reduction,
                                             BlobStore& blobs, const std::function<absl::Status()>& keep_on);

v1::Pattern DescribePattern(const PatternSource& source, const ReductionOptions& reduction,
                            const ReducedPattern& pattern, const std::string& server_build);

}  // namespace headscope::server
