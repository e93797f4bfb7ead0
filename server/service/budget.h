// What there is only so much of, shared by calls.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace headscope::server {

// Thread-safe; outlives its shares.
class Budget {
 public:
  // Given back with the last copy.
  using Share = std::shared_ptr<const void>;

  explicit Budget(std::uint64_t whole) : whole_(whole) {}

  // Null when less than `amount` is left.
  Share Take(std::uint64_t amount);
  std::uint64_t whole() const { return whole_; }
  std::uint64_t taken() const;

 private:
  void GiveBack(std::uint64_t amount);

  const std::uint64_t whole_;
  mutable absl::Mutex mutex_;
  std::uint64_t taken_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace headscope::server
