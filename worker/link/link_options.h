// How a worker speaks with its server.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace headscope::worker {

struct LinkOptions {
  // HOST:PORT of the server's worker listener.
  std::string server;
  // Sent with every call where not empty: shows that this is a child of the server.
  std::string token;
  // Stable over restarts of the same worker.
  std::string worker_id;
  // Drawn at process start.
  std::string boot_id;
  // "headscope 0.1.0, LibTorch 1.13.1".
  std::string build;
  // "cpu (2 threads)", "cuda:0".
  std::string device;
  // Memory of the device; 0 when unknown.
  std::uint64_t device_bytes = 0;
  // Names of the methods this worker knows.
  std::vector<std::string> methods;

  // How long the server may keep a question for work open.
  absl::Duration lease_wait = absl::Seconds(20);
  // For an answer that should come at once; streams may take five times as long.
  absl::Duration call_deadline = absl::Seconds(60);
  // Between tries, doubling from the first to the second.
  absl::Duration first_retry = absl::Milliseconds(100);
  absl::Duration last_retry = absl::Seconds(2);
  // Between reports of progress and of changes to the catalogue.
  absl::Duration report_interval = absl::Seconds(1);
  // How long the batch at hand may take after Drain before it is cut off.
  absl::Duration drain_grace = absl::Seconds(10);
  // For the last words of a worker that drains: handing back a shard, closing the session.
  absl::Duration farewell_deadline = absl::Seconds(3);
};

}  // namespace headscope::worker
