// What a program sets and says about LibTorch, without its headers.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace headscope::worker {

// Threads that one tensor operation may use, for operations called from the calling thread: OpenMP keeps this number
// per thread, so the thread that computes sets it. At least 1.
void SetComputeThreads(int threads);
int ComputeThreads();

// "1.13.1".
std::string TorchVersion();

// OK when this process can compute on `device` ("cpu", "cuda:N"). Errors: INVALID_ARGUMENT, FAILED_PRECONDITION.
absl::Status CheckDevice(const std::string& device);

}  // namespace headscope::worker
