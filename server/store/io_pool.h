// Threads for blocking file work and arithmetic beside the store's thread: blobs, result files, reductions; a pool of
// its own for analyses, which may take minutes.
#pragma once

#include <functional>
#include <memory>
#include <string>

namespace headscope::server {

// Thread-safe.
class IoPool {
 public:
  // `name`: of the threads, at most 15 characters.
  explicit IoPool(int threads, std::string name = "io");
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
