// absl::Status to and from grpc::Status with google.rpc details, in one place.
#pragma once

#include "absl/status/status.h"
#include "proto/support/error.h"

namespace grpc {
class Status;
}

namespace headscope {

// Every error leaves with exactly one ErrorInfo (reason from the code when none was set), the BadRequest and RetryInfo
// where there are some, and a message cut to 2 KiB; all details together stay below gRPC's metadata limit.
grpc::Status ToGrpc(const absl::Status& status);
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace headscope
