// headscope.v1 messages to and from the plain values of this library.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/headscope/dataset.h"
#include "client/headscope/job.h"
#include "client/headscope/model.h"
#include "client/headscope/pattern.h"
#include "headscope/v1/attribution_service.pb.h"
#include "headscope/v1/compute.pb.h"
#include "headscope/v1/dataset.pb.h"
#include "headscope/v1/job.pb.h"
#include "headscope/v1/model_service.pb.h"
#include "headscope/v1/pattern_service.pb.h"

namespace headscope::client {

template <typename Repeated>
std::vector<std::string> Strings(const Repeated& values) {
  return {values.begin(), values.end()};
}

v1::Compute ToProto(const ComputeOptions& options);
v1::Reduction ToProto(const ReductionOptions& options);
v1::Execution ToProto(const ExecutionOptions& options);
v1::JobSpec ToProto(const JobSpec& spec);
v1::Job::State ToProto(JobState state);

// Values that a newer server may send and this client does not know become the documented default or stay absent.
DType FromProto(v1::DType dtype);
ComputeOptions FromProto(const v1::Compute& compute);
ReductionOptions FromProto(const v1::Reduction& reduction);
ExecutionOptions FromProto(const v1::Execution& execution);
JobState FromProto(v1::Job::State state);
Job FromProto(const v1::Job& job);
JobUpdate FromProto(const v1::WatchJobResponse& response);
Progress FromProto(const v1::Progress& progress);
Attempt FromProto(const v1::Attempt& attempt);
InvalidSample FromProto(const v1::InvalidSample& sample);
Model FromProto(const v1::Model& model);
Dataset FromProto(const v1::Dataset& dataset);
// DATA_LOSS when the matrices are not what the contract says.
absl::StatusOr<Pattern> FromProto(const v1::Pattern& pattern);

}  // namespace headscope::client
