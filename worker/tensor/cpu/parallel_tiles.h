// Independent pieces of work on OpenMP's threads.
#pragma once

#include <cstdint>
#include <exception>

namespace headscope::worker {

// Calls work(0) ... work(count - 1), each once, on any of the calling thread's threads. The first exception is thrown
// again here: none may leave a parallel region by itself.
template <typename Work>
void ParallelTiles(std::int64_t count, const Work& work) {
  std::exception_ptr error;
#pragma omp parallel for schedule(dynamic)
  for (std::int64_t tile = 0; tile < count; ++tile) {
    try {
      work(tile);
    } catch (...) {
#pragma omp critical(headscope_parallel_tiles)
      if (error == nullptr) error = std::current_exception();
    }
  }
  if (error != nullptr) std::rethrow_exception(error);
}

}  // namespace headscope::worker
