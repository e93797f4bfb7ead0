// Leases that end with results.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/store/job_store.h"
#include "server/store/sqlite/transaction.h"

namespace headscope::server::sqlite {

// See JobStore. Of a job being cancelled, results are accepted and ignored.
absl::Status CompletePrepare(Change& change, const LeaseKey& lease, const std::string& model_digest,
                             const std::vector<PreparedSample>& valid, const std::vector<InvalidSample>& invalid);
absl::Status CompleteScore(Change& change, const LeaseKey& lease, const std::string& blob,
                           std::uint32_t batch_tokens_used, std::uint64_t response_tokens);

}  // namespace headscope::server::sqlite
