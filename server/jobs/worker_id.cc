#include "server/jobs/worker_id.h"

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"

namespace headscope::server {

absl::Status WorkerIdInUse(const std::string& worker_id, absl::Duration wait) {
  return MakeError(absl::StatusCode::kAlreadyExists,
                   absl::StrCat("another process is connected as worker '", worker_id, "'; if it is gone, its session ends in ",
                                absl::FormatDuration(absl::Ceil(wait, absl::Seconds(1))),
                                "; if it is not, give each worker its own --worker-id"),
                   ErrorDetails{"WORKER_ID_IN_USE", {}, wait});
}

}  // namespace headscope::server
