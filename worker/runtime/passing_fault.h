// Which faults of reading a model belong to its files and which to the moment.
#pragma once

#include "absl/status/status.h"

namespace headscope::worker {

// Whether trying again with the same files may go better. A malformed, unsupported or forbidden file stays so.
inline bool MayPass(const absl::Status& fault) {
  return !fault.ok() && !absl::IsInvalidArgument(fault) && !absl::IsFailedPrecondition(fault) &&
         !absl::IsPermissionDenied(fault);
}

}  // namespace headscope::worker
