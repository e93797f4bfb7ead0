#include <utility>

#include "absl/strings/str_cat.h"
#include "client/headscope/client_impl.h"
#include "client/headscope/patience.h"
#include "client/headscope/stream_reader.h"
#include "client/headscope/wire.h"
#include "proto/support/error.h"

namespace headscope::client {
namespace {

constexpr absl::Duration kPoll = absl::Milliseconds(100);

using Reader = StreamReader<v1::WatchJobResponse>;

// The server has no room for another watcher now.
bool IsCrowded(const absl::Status& status) { return ReasonOf(status) == "TOO_MANY_WATCHERS"; }

// Follows one job over any number of connections. Single-thread.
class Watch {
 public:
  Watch(v1::AttributionService::Stub& stub, const ClientOptions& options, const LongCall& hooks,
        const std::function<void(const JobUpdate&)>& on_update)
      : stub_(stub), options_(options), hooks_(hooks), on_update_(on_update), patience_(options, hooks) {}

  absl::StatusOr<Job> Run(const std::string& name) {
    request_.set_name(name);
    for (;;) {
      if (absl::Status status = FollowOneStream(); !status.ok()) return status;
      if (ended_) return *std::move(ended_);
      const bool crowded = IsCrowded(broken_);
      // A server that says that it is full is there.
      if (crowded) patience_.Heard();
      if (absl::Status status = patience_.WaitAfter(broken_); !status.ok()) return status;
      if (!crowded) continue;
      if (absl::Status status = Look(); !status.ok()) return status;
      if (ended_) return *std::move(ended_);
    }
  }

 private:
  // Reads one stream to its end. OK when the job has ended (ended_) or the stream broke (broken_); an error otherwise.
  absl::Status FollowOneStream() {
    Reader reader(
        [&](grpc::ClientContext* context, Reader* reactor) { stub_.async()->WatchJob(context, &request_, reactor); });
    absl::Time last_message = absl::Now();
    v1::WatchJobResponse message;
    while (KeepGoing(hooks_)) {
      switch (reader.Next(kPoll, message)) {
        case Reader::Event::kMessage:
          last_message = absl::Now();
          Take(message);
          if (ended_) return absl::OkStatus();
          break;
        case Reader::Event::kTimeout:
          if (absl::Now() - last_message < options_.stream_idle_timeout) break;
          broken_ = absl::UnavailableError(
              absl::StrCat("nothing arrived for ", absl::FormatDuration(options_.stream_idle_timeout)));
          return absl::OkStatus();
        case Reader::Event::kEnded:
          broken_ = FromGrpc(reader.status());
          if (broken_.ok()) broken_ = absl::UnavailableError("the server closed the stream");
          return IsBroken(broken_) || IsCrowded(broken_) ? absl::OkStatus() : broken_;
      }
    }
    return Stopped();
  }

  // Where a stream cannot be had, the job is asked for: nobody waits for a job that has ended.
  absl::Status Look() {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + options_.call_timeout));
    v1::GetJobRequest request;
    request.set_name(request_.name());
    v1::GetJobResponse response;
    const absl::Status status = FromGrpc(stub_.GetJob(&context, request, &response));
    if (!status.ok()) return IsBroken(status) ? absl::OkStatus() : status;
    JobUpdate update;
    update.time = absl::Now();
    update.snapshot = FromProto(response.job());
    if (on_update_) on_update_(update);
    if (HasEnded(update.snapshot->state)) ended_ = *std::move(update.snapshot);
    return absl::OkStatus();
  }

  void Take(const v1::WatchJobResponse& message) {
    patience_.Heard();
    JobUpdate update = FromProto(message);
    if (update.snapshot || update.progress || update.attempt) request_.set_after_sequence(update.sequence);
    if (on_update_) on_update_(update);
    if (update.snapshot && HasEnded(update.snapshot->state)) ended_ = *std::move(update.snapshot);
  }

  v1::AttributionService::Stub& stub_;
  const ClientOptions& options_;
  const LongCall& hooks_;
  const std::function<void(const JobUpdate&)>& on_update_;
  Patience patience_;
  v1::WatchJobRequest request_;
  std::optional<Job> ended_;
  absl::Status broken_;
};

}  // namespace

absl::StatusOr<Job> Client::WatchJob(const std::string& id, const std::function<void(const JobUpdate&)>& on_update,
                                     const LongCall& hooks) {
  return Watch(*impl_->jobs, impl_->options, hooks, on_update).Run(Named("jobs/", id));
}

}  // namespace headscope::client
