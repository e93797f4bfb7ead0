#include "worker/tensor/torch_guard.h"

#include <exception>
#include <new>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "worker/tensor/torch_compat.h"

namespace headscope::worker {
namespace {

// LibTorch's allocators report lack of memory as plain errors whose text is all that tells them apart.
bool SpeaksOfMemory(const std::string& text) {
  return absl::StrContains(text, "out of memory") || absl::StrContains(text, "can't allocate memory") ||
         absl::StrContains(text, "not enough memory") || absl::StrContains(text, "CUBLAS_STATUS_ALLOC_FAILED");
}

absl::Status MemoryError(std::string_view doing, const std::string& text) {
  return absl::ResourceExhaustedError(
      absl::StrCat(std::string(doing), ": out of memory (", text, "); use smaller batches or a smaller dtype"));
}

}  // namespace

absl::Status StatusOfCurrentException(std::string_view doing) {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return MemoryError(doing, "the host has no room");
  } catch (const std::exception& error) {
    const std::string text = ShortErrorText(error);
    if (SpeaksOfMemory(text)) return MemoryError(doing, text);
    return absl::InternalError(absl::StrCat(std::string(doing), ": ", text));
  } catch (...) {
    return absl::InternalError(absl::StrCat(std::string(doing), ": an exception of unknown type"));
  }
}

}  // namespace headscope::worker
