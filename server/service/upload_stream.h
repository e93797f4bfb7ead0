// DatasetService.UploadDataset: samples streamed to a blob while they are checked.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "headscope/v1/dataset_service.pb.h"
#include "server/service/incoming_stream.h"
#include "server/service/sample_intake.h"
#include "server/store/blob_store.h"
#include "server/store/job_store.h"

namespace headscope::server {

// Works on each message on the pool. Until the commit has been checked nothing is stored but a blob in the making,
// dropped with the stream.
class UploadStream : public IncomingStream<v1::UploadDatasetRequest, v1::UploadDatasetResponse> {
 public:
  UploadStream(Shared& shared, const grpc::CallbackServerContext& rpc, v1::UploadDatasetResponse* response);
  // Once, after construction.
  void Start();

 private:
  std::shared_ptr<UploadStream> Self() { return std::static_pointer_cast<UploadStream>(shared_from_this()); }

  void OnMessage() override;
  void OnClosed() override;

  // On the pool: takes the message in, then reads the next or ends.
  void Handle();
  absl::Status TakeHeader(const v1::Dataset& header);
  absl::Status TakeBatch(const v1::SampleBatch& batch);
  // Checks everything, makes the blob durable and goes on to the record.
  void TakeCommit(const v1::UploadDatasetRequest::Commit& commit);
  absl::Status CheckCommit(const v1::UploadDatasetRequest::Commit& commit);

  std::unique_ptr<BlobWriter> writer_;
  HeldBlob held_;
  std::string display_name_;
  SampleIntake intake_{"samples"};
  Violations violations_;
};

}  // namespace headscope::server
