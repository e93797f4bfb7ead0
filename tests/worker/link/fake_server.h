// A server that does what a test tells it to, in this process, on a socket that outlives its restarts.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "headscope/worker/v1/worker_service.pb.h"
#include "proto/support/sample.h"
#include "tests/worker/support/test_checkpoint.h"

namespace grpc {
class Server;
}

namespace headscope::worker {

// What was handed in for one shard.
struct FakeCompletion {
  v1::CompleteShardRequest::Header header;
  std::vector<v1::ScoreBlock> scores;
  std::vector<v1::PrepareBlock> prepared;
  std::vector<v1::TokenizeBlock> tokenized;
  // The commit's digest is that of the blocks.
  bool digest_agrees = false;
};

// Everything a test sets or reads, under one lock. Tests change it with Change and wait for it with WaitFor.
struct FakeState {
  // Set by the test.
  std::deque<v1::Shard> queue;
  // Samples by shard.
  std::map<std::string, std::vector<Sample>> samples;
  absl::Duration heartbeat_interval = absl::Milliseconds(50);
  bool drain = false;
  std::vector<v1::LeaseRef> abandon;
  // Answers CompleteShard that many times with UNAVAILABLE.
  int refuse_completions = 0;
  bool stale_leases = false;
  // Not empty: OpenSession answers FAILED_PRECONDITION with this reason.
  std::string refuse_sessions;
  // So many times the worker's id is in use first.
  int refusals_with_delay = 0;

  // Read by the test.
  std::string session;
  std::vector<v1::OpenSessionRequest> opened;
  std::vector<v1::HeartbeatRequest> heartbeats;
  int lease_questions = 0;
  int completion_tries = 0;
  std::vector<FakeCompletion> completed;
  std::vector<v1::FailShardRequest> failed;
  std::vector<v1::ReleaseShardRequest> released;
  int closed_sessions = 0;
  std::vector<std::string> tokens_seen;
};

// Thread-safe.
class FakeServer {
 public:
  FakeServer();
  ~FakeServer();

  // What workers dial.
  const std::string& address() const { return address_; }
  void Stop();
  void Restart();

  void Change(const std::function<void(FakeState&)>& change);
  // Waits until `condition` holds; a test failure after a minute.
  bool WaitFor(const std::function<bool(const FakeState&)>& condition);
  FakeState state() const;

  // Ends the session: every call that names it is told STALE_SESSION.
  void EndSession();
  // Leases `shard` to the next worker that asks; ReadDataset gives `samples`.
  void Queue(v1::Shard shard, std::vector<Sample> samples);

 private:
  class Service;

  TempDirectory directory_;
  std::string address_;
  mutable absl::Mutex mutex_;
  FakeState state_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::unique_ptr<Service> service_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace headscope::worker
