// A client that follows a job, for tests.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/server/service/service_harness.h"

namespace headscope::server {

// One client that follows a job.
class Watcher {
 public:
  Watcher(ServiceHarness& harness, const std::string& job, std::optional<std::uint64_t> after = std::nullopt)
      : context_(Context()) {
    v1::WatchJobRequest request;
    request.set_name("jobs/" + job);
    if (after) request.set_after_sequence(*after);
    reader_ = harness.attribution().WatchJob(context_.get(), request);
  }
  ~Watcher() {
    context_->TryCancel();
    if (!finished_) reader_->Finish();
  }

  std::optional<v1::WatchJobResponse> Next() {
    v1::WatchJobResponse message;
    if (!reader_->Read(&message)) return std::nullopt;
    return message;
  }
  std::vector<v1::WatchJobResponse> Rest() {
    std::vector<v1::WatchJobResponse> messages;
    while (auto message = Next()) messages.push_back(*std::move(message));
    return messages;
  }
  grpc::Status Finish() {
    finished_ = true;
    return reader_->Finish();
  }
  void Cancel() { context_->TryCancel(); }

 private:
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchJobResponse>> reader_;
  bool finished_ = false;
};

// The beginning of an attempt at a shard.
inline Attempt AttemptOn(std::uint32_t shard) {
  Attempt attempt;
  attempt.shard = shard;
  attempt.worker = "worker-a";
  return attempt;
}

}  // namespace headscope::server
