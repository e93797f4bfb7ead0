// The one line where exceptions stop: LibTorch throws, the rest of the worker speaks absl::Status.
#pragma once

#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace headscope::worker {

// Status of the exception being handled, its text beginning with `doing` ("loading the weights"). RESOURCE_EXHAUSTED
// when memory of the host or of a device ran out, INTERNAL otherwise. Only to be called inside a catch block.
absl::Status StatusOfCurrentException(std::string_view doing);

// Calls `function`, which returns absl::Status or absl::StatusOr<T>, and returns what it returns; an exception becomes
// its status.
template <typename Function>
auto TorchGuard(std::string_view doing, Function&& function) -> std::invoke_result_t<Function> {
  try {
    return std::forward<Function>(function)();
  } catch (...) {
    return StatusOfCurrentException(doing);
  }
}

}  // namespace headscope::worker
