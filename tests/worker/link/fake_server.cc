#include "tests/worker/link/fake_server.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "headscope/worker/v1/worker_service.grpc.pb.h"
#include "proto/support/error.h"
#include "proto/support/wire/block_digest.h"
#include "proto/support/wire/sample_codec.h"
#include "proto/support/wire/status_codec.h"

namespace headscope::worker {

class FakeServer::Service : public v1::WorkerService::Service {
 public:
  explicit Service(FakeServer& fake) : fake_(fake) {}

  grpc::Status OpenSession(grpc::ServerContext* context, const v1::OpenSessionRequest* request,
                           v1::OpenSessionResponse* response) override {
    absl::MutexLock lock(&fake_.mutex_);
    FakeState& state = fake_.state_;
    const auto token = context->client_metadata().find("headscope-local-token");
    if (token != context->client_metadata().end()) {
      state.tokens_seen.emplace_back(token->second.data(), token->second.size());
    }
    if (state.refusals_with_delay > 0) {
      --state.refusals_with_delay;
      return ToGrpc(MakeError(absl::StatusCode::kAlreadyExists, "in use",
                              ErrorDetails{"WORKER_ID_IN_USE", {}, absl::Milliseconds(300)}));
    }
    if (!state.refuse_sessions.empty()) {
      return ToGrpc(MakeError(absl::StatusCode::kFailedPrecondition, "not with me", state.refuse_sessions));
    }
    state.opened.push_back(*request);
    state.session = "session-" + std::to_string(state.opened.size());
    response->set_session(state.session);
    response->set_protocol(request->max_protocol());
    response->set_epoch(state.opened.size());
    SetDuration(state.heartbeat_interval, *response->mutable_heartbeat_interval());
    SetDuration(absl::Seconds(20), *response->mutable_session_ttl());
    return grpc::Status::OK;
  }

  grpc::Status Heartbeat(grpc::ServerContext*, const v1::HeartbeatRequest* request,
                         v1::HeartbeatResponse* response) override {
    absl::MutexLock lock(&fake_.mutex_);
    FakeState& state = fake_.state_;
    if (auto status = CheckSession(request->session()); !status.ok()) return status;
    state.heartbeats.push_back(*request);
    const auto urgent = [&]() ABSL_SHARED_LOCKS_REQUIRED(fake_.mutex_) {
      return fake_.stopping_ || request->immediate() || !state.abandon.empty() || state.session != request->session();
    };
    fake_.mutex_.AwaitWithTimeout(absl::Condition(&urgent), state.heartbeat_interval);
    if (auto status = CheckSession(request->session()); !status.ok()) return status;
    for (const v1::LeaseRef& lease : std::exchange(state.abandon, {})) *response->add_abandon() = lease;
    response->set_drain(state.drain);
    return grpc::Status::OK;
  }

  grpc::Status LeaseShard(grpc::ServerContext* context, const v1::LeaseShardRequest* request,
                          v1::LeaseShardResponse* response) override {
    absl::MutexLock lock(&fake_.mutex_);
    FakeState& state = fake_.state_;
    if (auto status = CheckSession(request->session()); !status.ok()) return status;
    ++state.lease_questions;
    const absl::Time deadline = absl::Now() + absl::Seconds(request->max_wait().seconds());
    do {
      if (auto status = CheckSession(request->session()); !status.ok()) return status;
      const auto wanted = [&](const v1::Shard& shard) {
        return std::count(request->phases().begin(), request->phases().end(), shard.phase()) > 0;
      };
      const auto next = std::find_if(state.queue.begin(), state.queue.end(), wanted);
      if (next != state.queue.end()) {
        *response->mutable_shard() = *next;
        state.queue.erase(next);
        return grpc::Status::OK;
      }
      fake_.mutex_.AwaitWithTimeout(absl::Condition(&fake_.stopping_), absl::Milliseconds(10));
      if (fake_.stopping_) return {grpc::StatusCode::UNAVAILABLE, "stopping"};
    } while (!context->IsCancelled() && absl::Now() < deadline);
    return grpc::Status::OK;
  }

  grpc::Status ReadDataset(grpc::ServerContext*, const v1::ReadDatasetRequest* request,
                           grpc::ServerWriter<v1::ReadDatasetResponse>* writer) override {
    std::vector<Sample> samples;
    {
      absl::MutexLock lock(&fake_.mutex_);
      if (auto status = CheckLease(request->session()); !status.ok()) return status;
      samples = fake_.state_.samples[request->lease().shard()];
    }
    // One sample a message: the worker must put them together.
    for (const Sample& sample : samples) {
      v1::ReadDatasetResponse response;
      *response.mutable_batch()->add_samples() = ToProto(sample);
      writer->Write(response);
    }
    return grpc::Status::OK;
  }

  grpc::Status CompleteShard(grpc::ServerContext*, grpc::ServerReader<v1::CompleteShardRequest>* reader,
                             v1::CompleteShardResponse*) override {
    FakeCompletion completion;
    BlockDigest digest;
    v1::CompleteShardRequest part;
    while (reader->Read(&part)) {
      if (part.has_header()) completion.header = part.header();
      if (part.has_scores()) digest.Add(completion.scores.emplace_back(part.scores()));
      if (part.has_prepared()) digest.Add(completion.prepared.emplace_back(part.prepared()));
      if (part.has_tokenized()) digest.Add(completion.tokenized.emplace_back(part.tokenized()));
      if (part.has_commit()) completion.digest_agrees = part.commit().sha256() == digest.Finish();
    }
    absl::MutexLock lock(&fake_.mutex_);
    FakeState& state = fake_.state_;
    ++state.completion_tries;
    if (state.refuse_completions > 0) {
      --state.refuse_completions;
      return {grpc::StatusCode::UNAVAILABLE, "not now"};
    }
    if (auto status = CheckLease(completion.header.session()); !status.ok()) return status;
    state.completed.push_back(std::move(completion));
    return grpc::Status::OK;
  }

  grpc::Status FailShard(grpc::ServerContext*, const v1::FailShardRequest* request, v1::FailShardResponse*) override {
    absl::MutexLock lock(&fake_.mutex_);
    if (auto status = CheckLease(request->session()); !status.ok()) return status;
    fake_.state_.failed.push_back(*request);
    return grpc::Status::OK;
  }

  grpc::Status ReleaseShard(grpc::ServerContext*, const v1::ReleaseShardRequest* request,
                            v1::ReleaseShardResponse*) override {
    absl::MutexLock lock(&fake_.mutex_);
    if (auto status = CheckLease(request->session()); !status.ok()) return status;
    fake_.state_.released.push_back(*request);
    return grpc::Status::OK;
  }

  grpc::Status CloseSession(grpc::ServerContext*, const v1::CloseSessionRequest* request,
                            v1::CloseSessionResponse*) override {
    absl::MutexLock lock(&fake_.mutex_);
    if (auto status = CheckSession(request->session()); !status.ok()) return status;
    ++fake_.state_.closed_sessions;
    return grpc::Status::OK;
  }

 private:
  static void SetDuration(absl::Duration duration, google::protobuf::Duration& out) {
    out.set_seconds(absl::ToInt64Seconds(duration));
    out.set_nanos(static_cast<int>(absl::ToInt64Nanoseconds(duration % absl::Seconds(1))));
  }
  grpc::Status CheckSession(const std::string& session) const ABSL_SHARED_LOCKS_REQUIRED(fake_.mutex_) {
    if (session == fake_.state_.session) return grpc::Status::OK;
    return ToGrpc(MakeError(absl::StatusCode::kAborted, "no such session", "STALE_SESSION"));
  }
  grpc::Status CheckLease(const std::string& session) const ABSL_SHARED_LOCKS_REQUIRED(fake_.mutex_) {
    if (fake_.state_.stale_leases) {
      return ToGrpc(MakeError(absl::StatusCode::kAborted, "leased to another", "STALE_LEASE"));
    }
    return CheckSession(session);
  }

  FakeServer& fake_;
};

FakeServer::FakeServer() : address_("unix:" + directory_.File("socket")), service_(std::make_unique<Service>(*this)) {
  Restart();
}

FakeServer::~FakeServer() { Stop(); }

void FakeServer::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (server_ == nullptr) return;
  server_->Shutdown(absl::ToChronoTime(absl::Now()));
  server_->Wait();
  server_.reset();
}

void FakeServer::Restart() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = false;
  }
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address_, grpc::InsecureServerCredentials());
  builder.RegisterService(service_.get());
  server_ = builder.BuildAndStart();
  EXPECT_NE(server_, nullptr) << address_;
}

void FakeServer::Change(const std::function<void(FakeState&)>& change) {
  absl::MutexLock lock(&mutex_);
  change(state_);
}

bool FakeServer::WaitFor(const std::function<bool(const FakeState&)>& condition) {
  absl::MutexLock lock(&mutex_);
  const auto holds = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return condition(state_); };
  const bool held = mutex_.AwaitWithTimeout(absl::Condition(&holds), absl::Minutes(1));
  EXPECT_TRUE(held) << "what the test waits for did not happen within a minute";
  return held;
}

FakeState FakeServer::state() const {
  absl::MutexLock lock(&mutex_);
  return state_;
}

void FakeServer::EndSession() {
  Change([](FakeState& state) { state.session.clear(); });
}

void FakeServer::Queue(v1::Shard shard, std::vector<Sample> samples) {
  Change([&](FakeState& state) {
    state.samples[shard.lease().shard()] = std::move(samples);
    state.queue.push_back(std::move(shard));
  });
}

}  // namespace headscope::worker
