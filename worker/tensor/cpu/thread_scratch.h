// Memory for a moment, kept by every thread.
#pragma once

#include <cstdint>

namespace headscope::worker {

// At least `bytes` bytes aligned to 64, of undefined content, valid until the same thread asks again. Throws
// std::bad_alloc.
char* ThreadScratch(std::int64_t bytes);

}  // namespace headscope::worker
