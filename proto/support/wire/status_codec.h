// absl::Status to and from grpc::Status with google.rpc details, in one place.
#pragma once

#include "absl/status/status.h"
#include "proto/support/error.h"

namespace grpc {
class Status;
}

namespace headscope {

// Every error leaves with exactly one ErrorInfo (reason from the code when none was set), the BadRequest and RetryInfo
// where there are some, and a message cut to 1 KiB; everything together stays below gRPC's default metadata limit of 8
// KiB, so that of many violations only the first are listed, with the number of the others.
grpc::Status ToGrpc(const absl::Status& status);
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace headscope
