// Threads for blocking file work and arithmetic beside the store's thread: blobs, result files, reductions.
#pragma once

#include <functional>
#include <memory>

namespace headscope::server {

// Thread-safe.
class IoPool {
 public:
  explicit IoPool(int threads);
  ~IoPool();
  void Start();
  // Runs what is queued, then joins. Later posts are dropped and answered false.
  void Stop();
  bool Post(std::function<void()> work);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace headscope::server
