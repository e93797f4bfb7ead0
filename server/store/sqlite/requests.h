// Request ids: what each has made, so that a repetition makes nothing again. They outlive what they made.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "server/store/sqlite/transaction.h"

namespace headscope::server::sqlite {

enum class Made { kJob, kSweep, kPattern };

struct Request {
  std::string project;
  Made kind = Made::kJob;
  // Empty: not idempotent, nothing is remembered.
  std::string request_id;
  // Digest of the canonical request.
  std::string hash;
};

// The id of what the request made before; nullopt when it is new. ALREADY_EXISTS / REQUEST_ID_REUSED when it came with
// another request; NOT_FOUND / REQUEST_DELETED when what it made was deleted since.
absl::StatusOr<std::optional<std::string>> FindMade(Database& db, const Request& request);
void RememberMade(Change& change, const Request& request, const std::string& id);
// What a request made, if any did, is gone.
void MarkDeleted(Database& db, absl::Time now, Made kind, const std::string& id);

}  // namespace headscope::server::sqlite
