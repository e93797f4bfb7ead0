#include <grpcpp/support/sync_stream.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/headscope/client_impl.h"
#include "client/headscope/patience.h"
#include "client/headscope/wire.h"
#include "proto/support/limits.h"
#include "proto/support/sample_encoding.h"
#include "proto/support/sha256.h"
#include "proto/support/utf8.h"
#include "proto/support/wire/sample_codec.h"

namespace headscope::client {
namespace {

// A full batch and one sample of the largest size stay below gRPC's message limit.
constexpr std::size_t kBatchBytes = kMaxBlockBytes / 2;
constexpr int kMaxUploads = 4;

// One try of an upload: header, batches, commit. Single use.
class Upload {
 public:
  Upload(v1::DatasetService::Stub& stub, const LongCall& hooks)
      : hooks_(hooks), stream_(stub.UploadDataset(&context_, &response_)) {}

  absl::StatusOr<Dataset> Run(SampleSource& samples, const std::string& display_name) {
    v1::UploadDatasetRequest header;
    const std::string name = display_name.substr(0, kMaxDisplayNameBytes);
    header.mutable_header()->set_display_name(name.substr(0, ValidUtf8Prefix(name)));
    open_ = stream_->Write(header);
    digest_.Update(DatasetHeader());
    if (const absl::Status status = SendAll(samples); !status.ok()) {
      context_.TryCancel();
      stream_->Finish();
      return status;
    }
    const std::string sha256 = digest_.Finish();
    v1::UploadDatasetRequest commit;
    commit.mutable_commit()->set_sha256(sha256);
    commit.mutable_commit()->set_sample_count(count_);
    if (open_) stream_->Write(commit);
    stream_->WritesDone();
    if (const grpc::Status status = stream_->Finish(); !status.ok()) return FromGrpc(status);
    return CheckAnswer(sha256);
  }

 private:
  absl::Status SendAll(SampleSource& samples) {
    while (open_) {
      auto sample = samples.Next();
      if (!sample.ok()) return sample.status();
      if (!*sample) break;
      Add(**sample);
      if (batch_bytes_ < kBatchBytes) continue;
      Flush();
      if (!KeepGoing(hooks_)) return Stopped();
    }
    if (batch_bytes_ > 0) Flush();
    return absl::OkStatus();
  }

  void Add(Sample& sample) {
    ++count_;
    if (sample.id.empty()) sample.id = std::to_string(count_);
    std::string record;
    AppendSampleRecord(sample, record);
    digest_.Update(record);
    batch_bytes_ += record.size();
    *request_.mutable_batch()->add_samples() = headscope::ToProto(sample);
  }

  void Flush() {
    // A write that fails means that the server has ended the call; Finish tells why.
    if (open_) open_ = stream_->Write(request_);
    request_.Clear();
    batch_bytes_ = 0;
  }

  absl::StatusOr<Dataset> CheckAnswer(const std::string& sha256) const {
    Dataset dataset = FromProto(response_.dataset());
    if (response_.dataset().sha256() == sha256 && dataset.sample_count == count_) return dataset;
    return absl::DataLossError(absl::StrCat("sent ", count_, " samples with SHA-256 ", ToHex(sha256),
                                            ", the server stored ", dataset.sample_count, " with ",
                                            ToHex(response_.dataset().sha256())));
  }

  const LongCall& hooks_;
  grpc::ClientContext context_;
  v1::UploadDatasetResponse response_;
  std::unique_ptr<grpc::ClientWriter<v1::UploadDatasetRequest>> stream_;
  bool open_ = false;
  Sha256 digest_;
  std::uint64_t count_ = 0;
  v1::UploadDatasetRequest request_;
  std::size_t batch_bytes_ = 0;
};

}  // namespace

absl::StatusOr<Dataset> Client::UploadDataset(SampleSource& samples, const std::string& display_name,
                                              const LongCall& hooks) {
  Patience patience(impl_->options, hooks);
  for (int upload = 1;; ++upload) {
    if (absl::Status status = samples.Rewind(); !status.ok()) return status;
    auto dataset = Upload(*impl_->datasets, hooks).Run(samples, display_name);
    if (dataset.ok() || !absl::IsUnavailable(dataset.status()) || upload == kMaxUploads) return dataset;
    if (absl::Status status = patience.WaitAfter(dataset.status()); !status.ok()) return status;
  }
}

}  // namespace headscope::client
