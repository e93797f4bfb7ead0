#include "worker/tensor/cpu/kernels_memory.h"

#include <cstdlib>
#include <new>

namespace headscope::worker {

void* AllocateKernelMemory(std::int64_t bytes) {
  constexpr std::size_t kAlignment = 64;
  const std::size_t size = (static_cast<std::size_t>(bytes) + kAlignment) / kAlignment * kAlignment;
  void* const memory = std::aligned_alloc(kAlignment, size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void FreeKernelMemory(void* memory) { std::free(memory); }

}  // namespace headscope::worker
