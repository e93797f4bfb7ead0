#include "server/service/upload_stream.h"

#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/limits.h"
#include "proto/support/sample_encoding.h"
#include "proto/support/sha256.h"
#include "server/service/convert.h"
#include "server/service/resource_names.h"

namespace headscope::server {
namespace {

constexpr MethodName kMethod{"headscope.v1.DatasetService", "UploadDataset", RpcType::kClientStream};

absl::Status OutOfOrder(const char* wanted) {
  return MakeError(absl::StatusCode::kInvalidArgument,
                   absl::StrCat("an upload is a header, batches and a commit: ", wanted), "UPLOAD_OUT_OF_ORDER");
}

absl::Status Mismatch(std::string what) {
  return MakeError(absl::StatusCode::kInvalidArgument, std::move(what), "CHECKSUM_MISMATCH");
}

}  // namespace

UploadStream::UploadStream(Shared& shared, const grpc::CallbackServerContext& rpc, v1::UploadDatasetResponse* response)
    : IncomingStream(shared, rpc, kMethod, response) {}

void UploadStream::Start() {
  if (absl::Status open = shared_.CheckOpenWithRoom(); !open.ok()) return End(std::move(open));
  ReadNext();
}

void UploadStream::OnMessage() {
  const bool posted = shared_.context.io.Post([self = Self()] { self->Handle(); });
  if (!posted) End(DrainingError());
}

void UploadStream::OnClosed() { End(OutOfOrder("the stream ended without a commit")); }

void UploadStream::Handle() {
  if (ended()) return;
  absl::Status status = absl::OkStatus();
  switch (message_.part_case()) {
    case v1::UploadDatasetRequest::kHeader:
      status = TakeHeader(message_.header());
      break;
    case v1::UploadDatasetRequest::kBatch:
      status = TakeBatch(message_.batch());
      break;
    case v1::UploadDatasetRequest::kCommit:
      return TakeCommit(message_.commit());
    case v1::UploadDatasetRequest::PART_NOT_SET:
      status = OutOfOrder("a message has none of them");
      break;
  }
  if (!status.ok()) return End(std::move(status));
  ReadNext();
}

absl::Status UploadStream::TakeHeader(const v1::Dataset& header) {
  if (writer_) return OutOfOrder("a second header came");
  if (header.display_name().size() > kMaxDisplayNameBytes) {
    violations_.Add("header.display_name", absl::StrCat("has ", header.display_name().size(), " bytes, at most ",
                                                        kMaxDisplayNameBytes, " are allowed"));
  }
  display_name_ = header.display_name();
  absl::StatusOr<std::unique_ptr<BlobWriter>> writer = shared_.context.blobs.Create();
  if (!writer.ok()) return writer.status();
  writer_ = *std::move(writer);
  return absl::OkStatus();
}

absl::Status UploadStream::TakeBatch(const v1::SampleBatch& batch) {
  if (!writer_) return OutOfOrder("a batch came before the header");
  if (absl::Status room = shared_.CheckRoom(); !room.ok()) return room;
  std::string records;
  if (absl::Status status = intake_.Add(batch, violations_, records); !status.ok()) return status;
  return records.empty() ? absl::OkStatus() : writer_->Append(records);
}

absl::Status UploadStream::CheckCommit(const v1::UploadDatasetRequest::Commit& commit) {
  if (!writer_) return OutOfOrder("the commit came before the header");
  intake_.CheckWhole(violations_);
  if (!violations_.empty()) return violations_.status();
  if (commit.sample_count() != intake_.sample_count()) {
    return Mismatch(absl::StrCat("the commit says ", commit.sample_count(), " samples, ", intake_.sample_count(),
                                 " arrived; send the dataset again"));
  }
  const std::string digest = intake_.FinishDigest();
  if (!commit.sha256().empty() && commit.sha256() != digest) {
    return Mismatch(absl::StrCat("the samples that arrived have the SHA-256 ", ToHex(digest), " in version ",
                                 static_cast<std::uint32_t>(kSampleEncoding),
                                 " of the sample encoding, the commit says ", ToHex(commit.sha256()),
                                 "; send the dataset again, from a client of this server's release or without sha256"));
  }
  return absl::OkStatus();
}

void UploadStream::TakeCommit(const v1::UploadDatasetRequest::Commit& commit) {
  if (absl::Status status = CheckCommit(commit); !status.ok()) return End(std::move(status));
  absl::StatusOr<HeldBlob> held = shared_.intake.Take(*writer_);
  if (!held.ok()) return End(held.status());
  held_ = *std::move(held);
  DatasetRecord record;
  record.digest = held_.digest();
  record.sample_count = intake_.sample_count();
  record.size_bytes = intake_.size_bytes();
  record.display_name = display_name_;
  record.create_time = shared_.context.clock.Now();
  const bool posted = shared_.context.store.Post([self = Self(), record](JobStore& store) {
    if (self->ended()) return;
    const absl::StatusOr<DatasetRecord> stored = store.PutDataset(record);
    if (stored.ok()) self->held_.Recorded();
    v1::UploadDatasetResponse answer;
    if (stored.ok()) *answer.mutable_dataset() = ToProto(*stored);
    self->Close(stored.status(), std::move(answer));
  });
  if (!posted) End(DrainingError());
}

}  // namespace headscope::server
