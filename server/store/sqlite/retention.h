// What is over and goes by itself: ended jobs and sweeps, datasets that nobody uses, request ids, workers that are gone.
#pragma once

#include <cstddef>

#include "absl/status/statusor.h"
#include "server/store/sqlite/transaction.h"

namespace headscope::server::sqlite {

// See JobStore::Retire.
absl::StatusOr<Retired> Retire(Change& change, const RetentionPolicy& policy, std::size_t limit);

}  // namespace headscope::server::sqlite
