#include "server/store/io_pool.h"

#include <utility>

#include "server/store/task_threads.h"

namespace headscope::server {

struct IoPool::State {
  State(int threads, std::string name) : pool(std::move(name), threads) {}
  TaskThreads pool;
};

IoPool::IoPool(int threads, std::string name) : state_(std::make_unique<State>(threads, std::move(name))) {}
IoPool::~IoPool() = default;

void IoPool::Start() { state_->pool.Start(); }
void IoPool::Stop() { state_->pool.Stop(); }
bool IoPool::Post(std::function<void()> work) { return state_->pool.Post(std::move(work)); }

}  // namespace headscope::server
