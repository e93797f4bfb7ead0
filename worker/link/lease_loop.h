// Asks the server for work of some phases, and does it.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "worker/link/baton.h"
#include "worker/link/link_parts.h"
#include "worker/link/shard_runner.h"

namespace headscope::worker {

// Threads that take turns: the one with the baton asks for a shard and works on it, and passes the baton on when the
// shard needs the device not much longer. With three threads one shard is handed in, one computes its last batches and
// one is fetched and tokenised; nothing is leased long before the device is free, when another worker might have begun
// with it. Ends when leasing is closed (Session::CloseLeasing and ServerClient::EndLeasing).
class LeaseLoop {
 public:
  // `name` is the threads'; `threads`: shards in work at most; `runner` outlives the loop.
  LeaseLoop(std::string name, std::vector<v1::Phase> phases, int threads, LinkParts parts, ShardRunner& runner)
      : name_(std::move(name)), phases_(std::move(phases)), threads_wanted_(threads), parts_(parts), runner_(runner) {}
  ~LeaseLoop() { Join(); }

  void Start();
  void Join();

 private:
  void Loop();
  // With the baton, which it passes on. False when leasing is closed.
  bool WorkOnce();
  void AskOnce(const SessionRef& session, const std::function<void()>& nearly_done);

  const std::string name_;
  const std::vector<v1::Phase> phases_;
  const int threads_wanted_;
  LinkParts parts_;
  ShardRunner& runner_;
  Baton baton_;
  std::vector<std::thread> threads_;
};

}  // namespace headscope::worker
