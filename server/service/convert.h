// Domain values into messages; the way back is validate.h. Nowhere else are messages of the API filled.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "headscope/v1/dataset.pb.h"
#include "headscope/v1/job.pb.h"
#include "headscope/v1/model_service.pb.h"
#include "headscope/v1/pattern_service.pb.h"
#include "server/jobs/job.h"
#include "server/jobs/options.h"
#include "server/service/job_view.h"
#include "server/service/model_catalogue.h"

namespace headscope::server {

google::protobuf::Timestamp ToProto(absl::Time time);
google::protobuf::Duration ToProto(absl::Duration duration);

v1::Compute ToProto(const ComputeOptions& options);
v1::Reduction ToProto(const ReductionOptions& options);
v1::JobSpec ToProto(const JobSpec& spec);
v1::Attempt ToProto(const Attempt& attempt);
// Totals and ETA from `job`.
v1::Progress ToProto(const Job& job, const LiveProgress& progress, const std::optional<absl::Duration>& eta);
v1::InvalidSample ToProto(const InvalidSample& sample);
// A job without an id (validate_only) has no name either.
v1::Job ToProto(const JobView& view);
v1::Dataset ToProto(const DatasetRecord& record);
v1::Model ToProto(const ModelView& view);

}  // namespace headscope::server
