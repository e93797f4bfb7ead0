// Asks the server for work of some phases, and does it, one shard after the other.
#pragma once

#include <string>
#include <thread>
#include <vector>

#include "worker/link/link_parts.h"
#include "worker/link/shard_runner.h"

namespace headscope::worker {

// One thread. Ends when leasing is closed (Session::CloseLeasing and ServerClient::EndLeasing).
class LeaseLoop {
 public:
  // `name` is the thread's; `runner` outlives the loop.
  LeaseLoop(std::string name, std::vector<v1::Phase> phases, LinkParts parts, ShardRunner& runner)
      : name_(std::move(name)), phases_(std::move(phases)), parts_(parts), runner_(runner) {}
  ~LeaseLoop() { Join(); }

  void Start();
  void Join();

 private:
  void Loop();
  void AskOnce(const SessionRef& session);

  const std::string name_;
  const std::vector<v1::Phase> phases_;
  LinkParts parts_;
  ShardRunner& runner_;
  std::thread thread_;
};

}  // namespace headscope::worker
