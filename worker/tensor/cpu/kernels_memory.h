// Memory for the vector kernels, in a file of its own that is compiled for every processor.
#pragma once

#include <cstdint>

namespace headscope::worker {

// Aligned to 64 bytes, not initialised; throws std::bad_alloc. Free with FreeKernelMemory.
void* AllocateKernelMemory(std::int64_t bytes);
void FreeKernelMemory(void* memory);

}  // namespace headscope::worker
