#include "worker/runtime/shard_failures.h"

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "proto/support/sha256.h"

namespace headscope::worker {

ShardFailure ModelFailure(const absl::Status& status) {
  ShardFailure failure = {.reason = "INTERNAL", .message = std::string(status.message()), .retryable = true};
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kDataLoss:
      // Gone or being replaced here; another worker may hold what the job wants.
      failure.reason = "MODEL_CHANGED";
      break;
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kPermissionDenied:
      failure.reason = "MODEL_UNSUPPORTED";
      failure.retryable = false;
      break;
    case absl::StatusCode::kResourceExhausted:
      failure.reason = "OUT_OF_MEMORY";
      failure.retryable = ReasonOf(status) != "MODEL_TOO_LARGE";
      break;
    default:
      break;
  }
  return failure;
}

ShardFailure ModelChanged(const std::string& name, const std::string& wanted_digest, const std::string& found_digest) {
  return {.reason = "MODEL_CHANGED",
          .message =
              absl::StrCat("model \"", name,
                           "\" has other content than when the job was prepared: wanted sha256:", ToHex(wanted_digest),
                           ", found sha256:", ToHex(found_digest), "; submit the job again to use what is there now")};
}

}  // namespace headscope::worker
