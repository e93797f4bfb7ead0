#include "worker/tensor/cpu/thread_scratch.h"

#include <memory>
#include <new>

namespace headscope::worker {
namespace {

constexpr std::align_val_t kAlignment{64};

struct Free {
  void operator()(char* memory) const { ::operator delete[](memory, kAlignment); }
};

}  // namespace

char* ThreadScratch(std::int64_t bytes) {
  thread_local std::unique_ptr<char[], Free> memory;
  thread_local std::int64_t size = 0;
  if (bytes > size || memory == nullptr) {
    memory.reset();
    size = 0;
    memory.reset(static_cast<char*>(::operator new[](static_cast<std::size_t>(bytes + 64), kAlignment)));
    size = bytes;
  }
  return memory.get();
}

}  // namespace headscope::worker
