#include "server/store/io_pool.h"

#include <utility>

#include "server/store/task_threads.h"

namespace headscope::server {

struct IoPool::State {
  explicit State(int threads) : pool("io", threads) {}
  TaskThreads pool;
};

IoPool::IoPool(int threads) : state_(std::make_unique<State>(threads)) {}
IoPool::~IoPool() = default;

void IoPool::Start() { state_->pool.Start(); }
void IoPool::Stop() { state_->pool.Stop(); }
bool IoPool::Post(std::function<void()> work) { return state_->pool.Post(std::move(work)); }

}  // namespace headscope::server
