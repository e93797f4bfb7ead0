// A worker without its program: a golden model, the runtime over it, and a link to a fake server.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "tests/worker/link/fake_server.h"
#include "tests/worker/runtime/runtime_fixture.h"
#include "worker/link/worker_link.h"

namespace headscope::worker {

// Holds every batch up until it is cancelled, and counts. Thread-safe.
class BlockingBatches {
 public:
  std::function<absl::Status(const PackedBatch&, const CancelCheck&)> Before() {
    return [this](const PackedBatch&, const CancelCheck& cancelled) -> absl::Status {
      if (++started_ <= let_through_) return absl::OkStatus();
      const absl::Time deadline = absl::Now() + absl::Minutes(1);
      while (!cancelled() && !released_ && absl::Now() < deadline) std::this_thread::yield();
      if (cancelled()) {
        ++cancelled_;
        return absl::CancelledError("cancelled");
      }
      return absl::OkStatus();
    };
  }
  // Lets the first `count` batches through.
  void LetThrough(int count) { let_through_ = count; }
  // Lets this and all later batches through.
  void Release() { released_ = true; }
  int started() const { return started_; }
  int cancelled() const { return cancelled_; }

 private:
  std::atomic<int> let_through_ = 0;
  std::atomic<bool> released_ = false;
  std::atomic<int> started_ = 0;
  std::atomic<int> cancelled_ = 0;
};

class LinkTest : public testing::Test {
 protected:
  LinkTest();

  // Starts the worker; batches run on real engines after `before`, if given.
  void StartWorker(std::function<absl::Status(const PackedBatch&, const CancelCheck&)> before = {});
  // Options for the next StartWorker.
  LinkOptions& options() { return options_; }

  // A SCORE shard of the golden samples.
  v1::Shard ScoreShard(const std::string& id, std::uint32_t batch_tokens = 1024);
  static std::vector<Sample> GoldenSamples();
  // Queues ScoreShard(id).
  void QueueScore(const std::string& id, std::uint32_t batch_tokens = 1024);

  TempDirectory root_;
  FakeServer server_;
  // For StartWorker(batches_.Before()).
  BlockingBatches batches_;
  std::unique_ptr<Runtime> runtime_;
  std::unique_ptr<WorkerLink> link_;
  absl::Notification refused_;
  std::string refusal_;

 private:
  LinkOptions options_;
};

// Whether the last heartbeat named `shard` among what the worker holds.
bool Holds(const FakeState& state, const std::string& shard);

}  // namespace headscope::worker
