#include <utility>

#include "absl/strings/str_cat.h"
#include "client/headscope/client_impl.h"
#include "client/headscope/patience.h"
#include "client/headscope/stream_reader.h"
#include "proto/support/crc32c.h"
#include "proto/support/sha256.h"

namespace headscope::client {
namespace {

constexpr absl::Duration kPoll = absl::Milliseconds(100);
constexpr int kMaxBadChunks = 3;

using Reader = StreamReader<v1::ReadResultResponse>;
using Sink = std::function<absl::Status(std::string_view)>;

// Reads one result file over any number of connections. Single-thread.
class ResultDownload {
 public:
  ResultDownload(v1::AttributionService::Stub& stub, const ClientOptions& options, const LongCall& hooks,
                 const Sink& sink)
      : stub_(stub), options_(options), hooks_(hooks), sink_(sink), patience_(options, hooks) {}

  absl::Status Run(const std::string& name) {
    request_.set_name(name);
    for (;;) {
      request_.set_offset(received_);
      if (absl::Status status = ReadOneStream(); !status.ok()) return status;
      if (complete_) return absl::OkStatus();
      if (bad_chunks_ == kMaxBadChunks) return broken_;
      if (absl::Status status = patience_.WaitAfter(broken_); !status.ok()) return status;
    }
  }

 private:
  // OK when the file is complete (complete_) or the stream broke (broken_); an error otherwise.
  absl::Status ReadOneStream() {
    Reader reader(
        [&](grpc::ClientContext* context, Reader* reactor) { stub_.async()->ReadResult(context, &request_, reactor); });
    absl::Time last_message = absl::Now();
    v1::ReadResultResponse chunk;
    while (KeepGoing(hooks_)) {
      const Reader::Event event = reader.Next(kPoll, chunk);
      if (event == Reader::Event::kMessage) {
        last_message = absl::Now();
        if (!IsSound(chunk)) return absl::OkStatus();
        if (absl::Status status = Take(chunk); !status.ok() || complete_) return status;
      } else if (event == Reader::Event::kEnded) {
        broken_ = FromGrpc(reader.status());
        if (broken_.ok()) broken_ = absl::UnavailableError("the server closed the stream before the result's end");
        return IsBroken(broken_) ? absl::OkStatus() : broken_;
      } else if (absl::Now() - last_message >= options_.stream_idle_timeout) {
        broken_ = absl::UnavailableError(
            absl::StrCat("nothing arrived for ", absl::FormatDuration(options_.stream_idle_timeout)));
        return absl::OkStatus();
      }
    }
    return Stopped();
  }

  // A chunk that was damaged or is out of place is asked for again, a few times.
  bool IsSound(const v1::ReadResultResponse& chunk) {
    if (chunk.offset() == received_ && chunk.crc32c() == Crc32c(chunk.data())) return true;
    ++bad_chunks_;
    broken_ = absl::DataLossError(absl::StrCat("chunk at offset ", chunk.offset(), " of the result: its checksum does ",
                                               "not hold, or it should start at ", received_));
    return false;
  }

  absl::Status Take(const v1::ReadResultResponse& chunk) {
    patience_.Heard();
    digest_.Update(chunk.data());
    received_ += chunk.data().size();
    if (absl::Status status = sink_(chunk.data()); !status.ok()) return status;
    if (chunk.sha256().empty()) return absl::OkStatus();
    const std::string sha256 = digest_.Finish();
    complete_ = true;
    if (chunk.sha256() == sha256 && chunk.total_bytes() == received_) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat("received ", received_, " bytes with SHA-256 ", ToHex(sha256),
                                            ", the server has ", chunk.total_bytes(), " with ", ToHex(chunk.sha256()),
                                            "; ask for the result again"));
  }

  v1::AttributionService::Stub& stub_;
  const ClientOptions& options_;
  const LongCall& hooks_;
  const Sink& sink_;
  Patience patience_;
  v1::ReadResultRequest request_;
  Sha256 digest_;
  std::uint64_t received_ = 0;
  int bad_chunks_ = 0;
  bool complete_ = false;
  absl::Status broken_;
};

}  // namespace

absl::Status Client::ReadResult(const std::string& job, const Sink& sink, const LongCall& hooks) {
  return ResultDownload(*impl_->jobs, impl_->options, hooks, sink).Run(Named("jobs/", job));
}

absl::StatusOr<Scores> Client::ReadScores(const std::string& job, const LongCall& hooks) {
  std::string file;
  const auto append = [&file](std::string_view bytes) {
    file.append(bytes);
    return absl::OkStatus();
  };
  if (absl::Status status = ReadResult(job, append, hooks); !status.ok()) return status;
  return ParseScores(file);
}

}  // namespace headscope::client
