// What it means for who asked that a job's stored scores cannot be read.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace headscope::server {

// Whether reading a blob ended with `error` because the blob is missing or damaged.
bool IsLost(const absl::Status& error);

// `job_now` is the job looked up again: its own error where it was deleted meanwhile, else DATA_LOSS / SCORES_LOST.
absl::Status LostScores(const std::string& job_id, const absl::Status& job_now, const absl::Status& error);

}  // namespace headscope::server
