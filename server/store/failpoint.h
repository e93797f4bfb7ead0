// Places where a crash test ends the process.
#pragma once

#include <string_view>

namespace headscope::server {

// Ends the process with SIGKILL when the environment says HEADSCOPE_FAILPOINT=<name>:kill, or <name>:kill:<n> for the
// n-th time this is reached. Otherwise does nothing. Names: store.before_commit, store.after_commit,
// blob.announced, blob.before_rename, blob.after_rename, blob.before_remove, blob.after_remove, quarantine.before_move,
// mark.between, migration.copied, migration.done, backup.linked, backup.copied, backup.named.
void Failpoint(std::string_view name);

}  // namespace headscope::server
