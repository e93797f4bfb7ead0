// Jobs that ended without a pattern and go on.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "server/store/sqlite/transaction.h"

namespace headscope::server::sqlite {

// See JobStore::RetryJob.
absl::Status RetryJob(Change& change, const std::string& id);

}  // namespace headscope::server::sqlite
