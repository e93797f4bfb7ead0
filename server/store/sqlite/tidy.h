// Room of deleted rows: given back to the disk, and nothing of their text left in the files.
#pragma once

#include "absl/status/status.h"
#include "server/store/sqlite/database.h"

namespace headscope::server::sqlite {

// Files made before gave pages back to nobody: rewritten once, where there is room for a copy. Outside a transaction.
absl::Status ShrinkWhenDeleting(Database& db);

// Deleted text is overwritten where it stood (secure_delete); what the write-ahead log still has of it goes with the log,
// which is written into the file and emptied. Free pages are given back.
absl::Status Tidy(Database& db);

}  // namespace headscope::server::sqlite
