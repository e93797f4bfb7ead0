// The real headscope-server as a child of a test.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "server/app/child_process.h"

namespace headscope::server {

// Thread-compatible.
class ServerProcess {
 public:
  // Starts with free ports, on `folder`/data with `folder`/ready.json and `folder`/log; `flags` come after these, so
  // that they may replace them.
  ServerProcess(const std::string& folder, const std::vector<std::string>& flags);
  // Kills what still runs.
  ~ServerProcess();

  // The ready file's addresses by key; empty when the server did not become ready in time.
  std::map<std::string, std::string> AwaitReady();
  void Signal(int signal);
  // "exited with status 0".
  std::string AwaitEnd();
  std::string LogPath() const { return folder_ + "/log"; }
  std::string Log() const;

 private:
  const std::string folder_;
  std::optional<ChildProcess> process_;
};

}  // namespace headscope::server
