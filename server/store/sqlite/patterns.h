// Patterns: succeeded jobs' and imported ones in one table, so that one order lists both.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/store/job_store.h"
#include "server/store/sqlite/transaction.h"

namespace headscope::server::sqlite {

absl::StatusOr<PatternRecord> ImportPattern(Change& change, const NewPattern& pattern);
// NOT_FOUND / PATTERN_NOT_FOUND.
absl::StatusOr<PatternRecord> FindPattern(Database& db, const std::string& id);
// Newest first.
absl::StatusOr<Page<PatternRecord>> ListPatterns(Database& db, const PatternFilter& filter, const PageRequest& page);
absl::Status DeletePattern(Change& change, const std::string& id);

}  // namespace headscope::server::sqlite
