// DatasetService.UploadDataset: samples streamed to a blob while they are checked.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "headscope/v1/dataset_service.pb.h"
#include "server/service/call_scope.h"
#include "server/service/sample_intake.h"
#include "server/service/shared.h"
#include "server/store/blob_store.h"
#include "server/store/job_store.h"

namespace headscope::server {

// Reads a message, works on it on the pool, reads the next: one at a time, so nothing but the end is shared between
// threads. Until the commit has been checked nothing is stored but a blob in the making, dropped with the stream.
class UploadStream : public grpc::ServerReadReactor<v1::UploadDatasetRequest>,
                     public LiveStream,
                     public std::enable_shared_from_this<UploadStream> {
 public:
  UploadStream(Shared& shared, const grpc::CallbackServerContext& rpc, v1::UploadDatasetResponse* response);
  // Once, after construction.
  void Start();
  void End(absl::Status status) override;

 private:
  void OnReadDone(bool ok) override;
  void OnCancel() override { End(absl::CancelledError("the client cancelled the call")); }
  void OnDone() override;

  // On the pool: takes the message in, then reads the next or ends.
  void Handle();
  absl::Status TakeHeader(const v1::Dataset& header);
  absl::Status TakeBatch(const v1::SampleBatch& batch);
  // Checks everything, makes the blob durable and goes on to the record.
  void TakeCommit(const v1::UploadDatasetRequest::Commit& commit);
  absl::Status CheckCommit(const v1::UploadDatasetRequest::Commit& commit);

  // Asks for the next message, unless the stream has ended.
  void ReadNext();
  // The first to come decides how the call ends. `dataset` is the answer where `status` is OK.
  void Close(absl::Status status, v1::Dataset dataset);
  void FinishNow();
  bool ended() const {
    absl::MutexLock lock(&mutex_);
    return ended_;
  }

  Shared& shared_;
  CallScope scope_;
  v1::UploadDatasetResponse* const response_;
  v1::UploadDatasetRequest message_;

  std::unique_ptr<BlobWriter> writer_;
  std::string display_name_;
  SampleIntake intake_{"samples"};
  Violations violations_;

  mutable absl::Mutex mutex_;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  v1::Dataset stored_ ABSL_GUARDED_BY(mutex_);
  // Threads inside StartRead: a call that is finished under their hands would be gone. The last one out finishes it.
  int starting_reads_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace headscope::server
