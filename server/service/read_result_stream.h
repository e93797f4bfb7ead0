// AttributionService.ReadResult: a job's raw scores in checksummed chunks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "headscope/v1/attribution_service.pb.h"
#include "proto/support/sha256.h"
#include "server/analysis/result_file.h"
#include "server/service/outgoing_stream.h"
#include "server/store/job_store.h"

namespace headscope::server {

// One chunk is read when the one before it has been written. The file is made from its front whatever the offset, since
// the last chunk carries the digest of the whole; what the client has is left out. Thread-safe: chunks come one by one.
class ReadResultStream : public OutgoingStream<v1::ReadResultResponse> {
 public:
  ReadResultStream(Shared& shared, const grpc::CallbackServerContext& rpc, const v1::ReadResultRequest& request);
  // Once, after construction.
  void Start();

 private:
  std::shared_ptr<ReadResultStream> Self() { return std::static_pointer_cast<ReadResultStream>(shared_from_this()); }

  // On the store's thread: finds the shards.
  void Find(JobStore& store);
  // On the pool.
  void Open(const std::string& dataset, std::vector<ResultShard> shards);
  void SendNext();
  // Ends the stream. Scores that cannot be read may belong to a job that was deleted meanwhile: the store is asked.
  void Fail(const absl::Status& error);
  void OnWritten() override;

  std::string job_id_;
  // Bytes that the client has.
  const std::uint64_t wanted_from_;
  absl::Status refused_;
  std::unique_ptr<ResultFile> file_;
  Sha256 hash_;
  // Bytes made so far.
  std::uint64_t made_ = 0;
  bool last_sent_ = false;
};

}  // namespace headscope::server
