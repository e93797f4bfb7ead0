#include "server/service/lost_scores.h"

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "proto/support/log.h"

namespace headscope::server {

bool IsLost(const absl::Status& error) { return absl::IsNotFound(error) || absl::IsDataLoss(error); }

absl::Status LostScores(const std::string& job_id, const absl::Status& job_now, const absl::Status& error) {
  if (!job_now.ok()) return job_now;
  Log(LogLevel::kError, "stored scores cannot be read", {{"job", job_id}, {"status", error}});
  return MakeError(absl::StatusCode::kDataLoss,
                   absl::StrCat("the stored scores of job '", job_id, "' cannot be read (", error.message(),
                                "); submit the job again, or stop the server and put a copy of its data folder back"),
                   "SCORES_LOST");
}

}  // namespace headscope::server
