// Which blobs there are, and which may go: the states of the table `blob`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/store/sqlite/transaction.h"

namespace headscope::server::sqlite {

// See JobStore.
absl::Status AnnounceBlob(Database& db, const std::string& blob, std::uint64_t size);
void GiveUpBlob(Database& db, const std::string& blob);
std::vector<std::string> TakeUnusedBlobs(Database& db, std::size_t limit);
void ForgetBlobs(Database& db, const std::vector<std::string>& blobs);
std::vector<BlobRecord> ListBlobs(Database& db);
void SetBlobSizes(Database& db, const std::vector<BlobRecord>& blobs);

// Uses up an announcement: something refers to the blob from this transaction on. UNAVAILABLE / BLOB_GONE.
absl::Status RecordBlob(Database& db, const std::string& blob);
// After a reference to the blob was deleted: unused, unless others refer to it or somebody writes it.
void ReleaseBlob(Database& db, const std::string& blob);
// The server has just started: nobody writes any more.
void ForgetWriters(Database& db);

}  // namespace headscope::server::sqlite
