// Requests checked field by field and turned into domain values. Everything wrong is found at once; nothing is read but
// the request.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "headscope/v1/attribution_service.pb.h"
#include "headscope/v1/model_service.pb.h"
#include "headscope/v1/pattern_service.pb.h"
#include "server/fleet/fleet.h"
#include "server/jobs/job.h"
#include "server/jobs/options.h"
#include "server/jobs/sweep.h"
#include "server/service/violations.h"
#include "server/store/job_store.h"

namespace headscope::server {

// Each adds what is wrong under `field` and returns what then is not to be used.
ComputeOptions ValidateCompute(const v1::Compute& compute, const std::string& field, Violations& violations);
ReductionOptions ValidateReduction(const v1::Reduction& reduction, const std::string& field, Violations& violations);
void ValidateLabels(const google::protobuf::Map<std::string, std::string>& labels, const std::string& field,
                    Violations& violations);
// Of `spec.execution`, into the part of a job's spec that it describes.
void ValidateExecution(const v1::Execution& execution, JobSpec& spec, Violations& violations);
void CheckRequestId(const std::string& request_id, Violations& violations);
// Everything of a submission but the inline samples: with those, `spec.dataset` stays empty.
NewJob ValidateSubmit(const v1::SubmitJobRequest& request, Violations& violations);
NewSweep ValidateSubmit(const v1::SubmitSweepRequest& request, Violations& violations);

absl::StatusOr<JobFilter> ValidateFilter(const v1::ListJobsRequest& request);
absl::StatusOr<TokenizeQuery> ValidateTokenize(const v1::TokenizeRequest& request);

// 0 means `fallback`; what is larger than kMaxPageSize means that.
std::uint32_t PageSize(std::uint32_t wanted, std::uint32_t fallback);

}  // namespace headscope::server
