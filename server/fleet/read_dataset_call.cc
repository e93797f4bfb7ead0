// ReadDataset: streams the samples of a leased shard.
#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "proto/support/wire/sample_codec.h"
#include "proto/support/wire/status_codec.h"
#include "server/fleet/call_clock.h"
#include "server/fleet/calls.h"
#include "server/fleet/worker_codec.h"

namespace headscope::server::calls {
namespace {

using worker::v1::ReadDatasetRequest;
using worker::v1::ReadDatasetResponse;

// Records in one message; a longer sample is a message of its own.
constexpr std::uint64_t kBatchBytes = 512 << 10;

// One step at a time: check the lease (store), read a batch (files), write it (gRPC), read the next. Only the step that
// is running starts the next one or finishes, so an abort just leaves word for it.
class ReadDatasetCall final : public grpc::ServerWriteReactor<ReadDatasetResponse>, public LiveCall {
 public:
  static ReadDatasetCall* Begin(FleetParts& parts, const ReadDatasetRequest& request) {
    std::shared_ptr<ReadDatasetCall> call(new ReadDatasetCall(parts, worker_codec::LeaseOf(request)));
    call->self_ = call;
    ReadDatasetCall* const reactor = call.get();
    if (!parts.calls.Add(call)) {
      reactor->End(FleetIsStopping());
    } else if (!parts.posts.Store([reactor](JobStore& store) { reactor->CheckLease(store); })) {
      reactor->End(FleetIsStopping());
    }
    return reactor;
  }

  void Abort(const absl::Status& status) override {
    absl::MutexLock lock(&mutex_);
    if (aborted_.ok()) aborted_ = status;
  }
  void OnCancel() override { Abort(absl::CancelledError("the worker hung up")); }
  void OnWriteDone(bool ok) override {
    if (!ok) return End(absl::CancelledError("the worker hung up"));
    if (reader_->done()) return End(absl::OkStatus());
    PostRead();
  }
  void OnDone() override {
    parts_.calls.Remove(this);
    clock_.Record(parts_.metrics);
    const std::shared_ptr<ReadDatasetCall> last = std::move(self_);
  }

 private:
  ReadDatasetCall(FleetParts& parts, LeaseKey lease)
      : parts_(parts), lease_(std::move(lease)), clock_(parts.metrics, "ReadDataset", RpcType::kServerStream) {}

  void CheckLease(JobStore& store) {
    absl::StatusOr<Lease> lease = store.CheckLease(lease_);
    if (!lease.ok()) return End(lease.status());
    dataset_ = lease->spec.dataset;
    samples_ = std::move(lease->shard.samples);
    PostRead();
  }

  void PostRead() {
    if (!parts_.posts.Io([this] { ReadBatch(); })) End(FleetIsStopping());
  }

  void ReadBatch() {
    if (absl::Status status = Aborted(); !status.ok()) return End(status);
    if (reader_ == nullptr) {
      auto reader = SampleReader::Open(parts_.blobs, parts_.indexes, dataset_, std::move(samples_));
      if (!reader.ok()) return End(reader.status());
      reader_ = *std::move(reader);
      if (reader_->done()) return End(absl::OkStatus());
    }
    const absl::StatusOr<std::vector<Sample>> samples = reader_->Next(kBatchBytes);
    if (!samples.ok()) return End(samples.status());
    message_.Clear();
    for (const Sample& sample : *samples) *message_.mutable_batch()->add_samples() = ToProto(sample);
    clock_.Sent(parts_.metrics);
    StartWrite(&message_);
  }

  absl::Status Aborted() {
    absl::MutexLock lock(&mutex_);
    return aborted_;
  }

  void End(const absl::Status& status) {
    clock_.SetCode(status.code());
    Finish(ToGrpc(status));
  }

  FleetParts& parts_;
  const LeaseKey lease_;
  CallClock clock_;
  // Of the running step.
  std::string dataset_;
  std::vector<std::uint32_t> samples_;
  std::unique_ptr<SampleReader> reader_;
  ReadDatasetResponse message_;
  std::shared_ptr<ReadDatasetCall> self_;

  absl::Mutex mutex_;
  absl::Status aborted_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

grpc::ServerWriteReactor<ReadDatasetResponse>* ReadDataset(FleetParts& parts, const ReadDatasetRequest* request) {
  return ReadDatasetCall::Begin(parts, *request);
}

}  // namespace headscope::server::calls
