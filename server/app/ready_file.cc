#include "server/app/ready_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace headscope::server {

absl::Status WriteReadyFile(const std::string& path, const Addresses& addresses) {
  // Addresses come from flags that were parsed as HOST:PORT and bound: nothing in them needs escaping.
  const std::string text = absl::StrCat(R"({"listen": ")", addresses.listen.ToString(), R"(", "worker_listen": ")",
                                        addresses.worker_listen.ToString(), R"(", "metrics_listen": ")",
                                        addresses.metrics_listen.ToString(), R"(", "pid": )", getpid(), "}\n");
  const std::string draft = absl::StrCat(path, ".", getpid(), ".tmp");
  {
    std::ofstream file(draft);
    file << text;
    if (!file.flush()) return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", draft));
  }
  if (std::rename(draft.c_str(), path.c_str()) == 0) return absl::OkStatus();
  const absl::Status status = absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", path));
  std::remove(draft.c_str());
  return status;
}

}  // namespace headscope::server
