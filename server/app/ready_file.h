// The file that tells a starting script that, and where, the server serves.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "proto/support/flags.h"

namespace headscope::server {

struct Addresses {
  HostPort listen;
  HostPort worker_listen;
  HostPort metrics_listen;
};

// {"listen": "127.0.0.1:50051", "worker_listen": ..., "metrics_listen": ..., "pid": 1234} and a newline, all at once:
// who sees the file sees all of it.
absl::Status WriteReadyFile(const std::string& path, const Addresses& addresses);

}  // namespace headscope::server
