// Counts and times one call of the worker service.
#pragma once

#include <atomic>
#include <chrono>

#include "absl/status/status.h"
#include "server/metrics/metrics.h"

namespace headscope::server {

// Thread-safe.
class CallClock {
 public:
  // `method` is a literal.
  CallClock(Metrics& metrics, const char* method, RpcType type)
      : method_(method), type_(type), start_(std::chrono::steady_clock::now()) {
    metrics.RpcStarted(kService, method_, type_);
  }
  // One message of a stream.
  void Received(Metrics& metrics) const { metrics.MessageReceived(kService, method_, type_); }
  void Sent(Metrics& metrics) const { metrics.MessageSent(kService, method_, type_); }
  void SetCode(absl::StatusCode code) { code_ = code; }
  void Record(Metrics& metrics) const {
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start_;
    metrics.RecordRpc(kService, method_, type_, code_, seconds.count());
  }

 private:
  static constexpr char kService[] = "headscope.worker.v1.WorkerService";

  const char* const method_;
  const RpcType type_;
  const std::chrono::steady_clock::time_point start_;
  std::atomic<absl::StatusCode> code_ = absl::StatusCode::kOk;
};

}  // namespace headscope::server
