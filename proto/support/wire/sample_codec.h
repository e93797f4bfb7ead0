// headscope.v1.Sample to and from the plain value.
#pragma once

#include "absl/status/statusor.h"
#include "headscope/v1/dataset.pb.h"
#include "proto/support/sample.h"

namespace headscope {

// INVALID_ARGUMENT when the input is absent. Does not check more; see CheckSample.
absl::StatusOr<Sample> FromProto(const v1::Sample& sample);
v1::Sample ToProto(const Sample& sample);

}  // namespace headscope
