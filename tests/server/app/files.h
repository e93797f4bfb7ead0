// Waiting for what other processes write.
#pragma once

#include <functional>
#include <string>

#include "absl/time/time.h"

namespace headscope::server {

// The whole file; empty when there is none.
std::string ReadText(const std::string& path);
// Waits until `path` is there and `enough` says yes to its text; looks again whenever its folder changes. Returns the
// text, or "" when `timeout` passed first.
std::string AwaitText(const std::string& path, const std::function<bool(const std::string&)>& enough,
                      absl::Duration timeout);
// Waits until no process has this id; one whose parent does not reap it counts as gone.
bool AwaitGone(int pid, absl::Duration timeout);
// A fresh folder for one test.
std::string MakeFolder(const std::string& name);

}  // namespace headscope::server
