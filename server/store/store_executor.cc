#include "server/store/store_executor.h"

#include <utility>

#include "server/store/task_threads.h"

namespace headscope::server {

struct StoreExecutor::State {
  explicit State(JobStore& store_in) : store(store_in) {}
  JobStore& store;
  TaskThreads thread{"store", 1};
};

StoreExecutor::StoreExecutor(JobStore& store) : state_(std::make_unique<State>(store)) {}
StoreExecutor::~StoreExecutor() = default;

void StoreExecutor::Start() { state_->thread.Start(); }
void StoreExecutor::Stop() { state_->thread.Stop(); }

bool StoreExecutor::Post(std::function<void(JobStore&)> work) {
  return state_->thread.Post([&store = state_->store, work = std::move(work)] { work(store); });
}

}  // namespace headscope::server
