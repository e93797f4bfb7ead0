#include "server/service/read_result_stream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/crc32c.h"
#include "proto/support/limits.h"
#include "server/service/lost_scores.h"
#include "server/service/resource_names.h"

namespace headscope::server {
namespace {

constexpr MethodName kMethod{"headscope.v1.AttributionService", "ReadResult", RpcType::kServerStream};
constexpr std::size_t kChunkBytes = 1 << 20;

}  // namespace

ReadResultStream::ReadResultStream(Shared& shared, const grpc::CallbackServerContext& rpc,
                                   const v1::ReadResultRequest& request)
    : OutgoingStream(shared, rpc, kMethod), wanted_from_(request.offset()) {
  Violations violations;
  job_id_ = ParseJobName(request.name(), "name", violations);
  refused_ = violations.status();
  if (refused_.ok()) scope_.SetResource(JobName(job_id_));
}

void ReadResultStream::Start() {
  if (!refused_.ok()) return End(refused_);
  const bool posted = shared_.context.store.Post([self = Self()](JobStore& store) { self->Find(store); });
  if (!posted) End(DrainingError());
}

void ReadResultStream::Find(JobStore& store) {
  if (ended()) return;
  const absl::StatusOr<Job> job = store.GetJob(job_id_);
  if (!job.ok()) return End(job.status());
  absl::StatusOr<std::vector<ResultShard>> shards = store.ResultShards(job_id_);
  if (!shards.ok()) return End(shards.status());
  const bool posted = shared_.context.io.Post(
      [self = Self(), dataset = job->spec.dataset, shards = *std::move(shards)] { self->Open(dataset, shards); });
  if (!posted) End(DrainingError());
}

void ReadResultStream::Open(const std::string& dataset, std::vector<ResultShard> shards) {
  if (ended()) return;
  absl::StatusOr<std::unique_ptr<ResultFile>> file =
      ResultFile::Open(shared_.context.blobs, dataset, std::move(shards));
  if (!file.ok()) return Fail(file.status());
  file_ = *std::move(file);
  if (wanted_from_ > file_->size()) {
    return End(MakeError(absl::StatusCode::kOutOfRange,
                         absl::StrCat("offset ", wanted_from_, " lies beyond the result's ", file_->size(), " bytes"),
                         "OFFSET_OUT_OF_RANGE"));
  }
  SendNext();
}

void ReadResultStream::SendNext() {
  std::string data;
  while (!ended()) {
    absl::StatusOr<std::string> piece = file_->Next(kChunkBytes);
    if (!piece.ok()) return Fail(piece.status());
    hash_.Update(*piece);
    made_ += piece->size();
    if (made_ > wanted_from_ || made_ == file_->size()) {
      data = *std::move(piece);
      break;
    }
  }
  if (ended()) return;
  const std::uint64_t begin = made_ - data.size();
  if (begin < wanted_from_) data.erase(0, wanted_from_ - begin);
  v1::ReadResultResponse message;
  message.set_offset(made_ - data.size());
  message.set_crc32c(Crc32c(data));
  message.set_data(std::move(data));
  message.set_total_bytes(file_->size());
  last_sent_ = made_ == file_->size();
  if (last_sent_) message.set_sha256(hash_.Finish());
  Write(std::move(message));
}

void ReadResultStream::Fail(const absl::Status& error) {
  if (!IsLost(error)) return End(error);
  const bool posted = shared_.context.store.Post([self = Self(), error](JobStore& store) {
    self->End(LostScores(self->job_id_, store.GetJob(self->job_id_).status(), error));
  });
  if (!posted) End(DrainingError());
}

void ReadResultStream::OnWritten() {
  if (last_sent_) return End(absl::OkStatus());
  const bool posted = shared_.context.io.Post([self = Self()] { self->SendNext(); });
  if (!posted) End(DrainingError());
}

}  // namespace headscope::server
