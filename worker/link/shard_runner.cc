#include "worker/link/shard_runner.h"

#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "proto/support/error.h"
#include "proto/support/log.h"
#include "proto/support/wire/sample_codec.h"
#include "worker/link/backoff.h"
#include "worker/link/shard_codec.h"

namespace headscope::worker {
namespace {

// Errors of the transport that may also be the server's own; they are not waited out for ever.
constexpr int kMaxOddErrors = 5;

const char* PhaseName(v1::Phase phase) {
  switch (phase) {
    case v1::PHASE_PREPARE:
      return "prepare";
    case v1::PHASE_SCORE:
      return "score";
    case v1::PHASE_TOKENIZE:
      return "tokenize";
    default:
      return "unknown";
  }
}

// The server is away, busy, or has no room on its disk now: what is to be handed in waits.
bool IsPassing(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) || absl::IsResourceExhausted(status) ||
         absl::IsCancelled(status);
}

bool IsOdd(const absl::Status& status) {
  return absl::IsInternal(status) || absl::IsUnknown(status) || absl::IsDataLoss(status);
}

template <typename Request>
Request NameLease(const SessionRef& session, const HeldLease& lease) {
  Request request;
  request.set_session(session.session);
  request.set_epoch(session.epoch);
  request.mutable_lease()->set_shard(lease.shard());
  request.mutable_lease()->set_fence(lease.fence());
  return request;
}

}  // namespace

struct ShardRunner::Job {
  const SessionRef& session;
  const v1::Shard& shard;
  const std::shared_ptr<HeldLease> lease;
  const std::function<void()>& nearly_done;
  const absl::Time start = absl::Now();
};

void ShardRunner::Run(const SessionRef& session, const v1::Shard& shard, const std::function<void()>& nearly_done) {
  const Job job = {session, shard, parts_.leases.Add(shard.lease().shard(), shard.lease().fence(), session.generation),
                   nearly_done};
  Work(job);
  parts_.leases.Remove(job.lease);
}

void ShardRunner::Work(const Job& job) {
  const ShardControl control = MakeControl(job);
  if (job.shard.phase() == v1::PHASE_TOKENIZE) {
    return Finish(job, parts_.shards.Tokenize(TokenizeFromProto(job.shard), control));
  }
  ShardInput input = FromProto(job.shard);
  const absl::Time start = absl::Now();
  absl::StatusOr<std::vector<ShardSample>> samples = ReadSamples(job);
  parts_.metrics.ObserveStage(Stage::kFetch, absl::ToDoubleSeconds(absl::Now() - start));
  if (!samples.ok()) {
    if (absl::IsCancelled(samples.status())) return HandBack(job);
    return Fail(job, {.reason = "INTERNAL",
                      .message = absl::StrCat("the shard's samples could not be read: ", samples.status().message()),
                      .retryable = true});
  }
  input.samples = *std::move(samples);
  switch (job.shard.phase()) {
    case v1::PHASE_PREPARE:
      return Finish(job, parts_.shards.Prepare(input, control));
    case v1::PHASE_SCORE:
      return Finish(job, parts_.shards.Score(input, control));
    default:
      return Fail(job,
                  {.reason = "INTERNAL",
                   .message = absl::StrCat("this worker does not know phase ", static_cast<int>(job.shard.phase())),
                   .retryable = true});
  }
}

ShardControl ShardRunner::MakeControl(const Job& job) {
  ShardControl control;
  control.cancelled = [lease = job.lease] { return lease->cancelled(); };
  control.stop_after_batch = [lease = job.lease] { return lease->handing_back(); };
  control.progress = [this, lease = job.lease](std::uint64_t samples, std::uint64_t tokens) {
    lease->SetProgress(samples, tokens);
    progressed_();
  };
  control.nearly_done = job.nearly_done;
  const auto& timeout = job.shard.no_progress_timeout();
  const absl::Duration limit = absl::Seconds(timeout.seconds()) + absl::Nanoseconds(timeout.nanos());
  if (limit > absl::ZeroDuration()) control.no_progress_timeout = limit;
  return control;
}

absl::StatusOr<std::vector<ShardSample>> ShardRunner::ReadSamplesOnce(const Job& job) {
  const auto request = NameLease<v1::ReadDatasetRequest>(job.session, *job.lease);
  const auto& positions = job.shard.samples();
  std::vector<ShardSample> samples;
  const absl::Status status =
      parts_.client.ReadDataset(request, [&](const headscope::v1::SampleBatch& batch) -> absl::Status {
        for (const headscope::v1::Sample& item : batch.samples()) {
          absl::StatusOr<Sample> sample = headscope::FromProto(item);
          if (!sample.ok()) return sample.status();
          if (samples.size() == static_cast<std::size_t>(positions.size())) {
            return absl::InvalidArgumentError(absl::StrCat("more samples came than the shard's ", positions.size()));
          }
          samples.push_back({positions[static_cast<int>(samples.size())], *std::move(sample)});
        }
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  if (samples.size() != static_cast<std::size_t>(positions.size())) {
    return absl::InvalidArgumentError(
        absl::StrCat("the shard has ", positions.size(), " samples, ", samples.size(), " came"));
  }
  return samples;
}

absl::StatusOr<std::vector<ShardSample>> ShardRunner::ReadSamples(const Job& job) {
  std::vector<ShardSample> samples;
  const absl::Status status = Deliver(job, [&] {
    absl::StatusOr<std::vector<ShardSample>> read = ReadSamplesOnce(job);
    if (read.ok()) samples = *std::move(read);
    return read.status();
  });
  if (!status.ok()) return status;
  return samples;
}

template <typename Result>
void ShardRunner::Finish(const Job& job, const ShardOutcome<Result>& outcome) {
  if (const auto* result = std::get_if<Result>(&outcome)) {
    auto header = NameLease<v1::CompleteShardRequest::Header>(job.session, *job.lease);
    return Complete(job, ToParts(std::move(header), *result));
  }
  if (const auto* failure = std::get_if<ShardFailure>(&outcome)) return Fail(job, *failure);
  HandBack(job);
}

absl::Status ShardRunner::Deliver(const Job& job, const std::function<absl::Status()>& call) {
  Backoff backoff(parts_.options.first_retry, parts_.options.last_retry);
  bool waiting = false;
  for (int odd_errors = 0;;) {
    if (job.lease->cancelled()) return absl::CancelledError("the lease is no longer this worker's");
    const absl::Status status = call();
    if (absl::IsAborted(status)) {
      parts_.session.CheckStale(status, job.session.generation);
      job.lease->Abandon();
      return absl::CancelledError(status.message());
    }
    if (IsOdd(status)) ++odd_errors;
    if (!IsPassing(status) && (!IsOdd(status) || odd_errors >= kMaxOddErrors)) return status;
    if (job.lease->cancelled()) continue;
    if (!std::exchange(waiting, true)) {
      Log(LogLevel::kWarning, "the server does not take a call; trying again",
          {{"shard", job.lease->shard()}, {"error", status.message()}});
    }
    if (parts_.stop.WaitFor(backoff.Next())) return absl::CancelledError("the worker stops");
  }
}

void ShardRunner::Complete(const Job& job, const std::vector<v1::CompleteShardRequest>& parts) {
  const absl::Time start = absl::Now();
  const absl::Status status = Deliver(job, [&] { return parts_.client.CompleteShard(parts); });
  parts_.metrics.ObserveStage(Stage::kUpload, absl::ToDoubleSeconds(absl::Now() - start));
  if (status.ok()) return Ended(job, "completed");
  if (absl::IsCancelled(status)) return HandBack(job);
  Fail(job, {.reason = "INTERNAL",
             .message = absl::StrCat("the server did not take the shard's results: ", status.message()),
             .retryable = true});
}

void ShardRunner::Fail(const Job& job, const ShardFailure& failure) {
  Log(LogLevel::kWarning, "shard failed",
      {{"shard", job.lease->shard()},
       {"model", job.shard.model()},
       {"reason", failure.reason},
       {"message", failure.message}});
  auto request = NameLease<v1::FailShardRequest>(job.session, *job.lease);
  FillFailure(failure, request);
  const absl::Status status = Deliver(job, [&] { return parts_.client.FailShard(request); });
  if (!status.ok() && !absl::IsCancelled(status)) {
    Log(LogLevel::kError, "a shard's failure could not be reported",
        {{"shard", job.lease->shard()}, {"error", status.message()}});
  }
  Ended(job, status.ok() ? "failed" : "abandoned");
}

void ShardRunner::HandBack(const Job& job) {
  if (job.lease->abandoned()) return Ended(job, "abandoned");
  // Closing the session does the same for what cannot be handed back now.
  const absl::Status status = parts_.client.ReleaseShard(NameLease<v1::ReleaseShardRequest>(job.session, *job.lease),
                                                         parts_.options.farewell_deadline);
  if (!status.ok()) {
    parts_.session.CheckStale(status, job.session.generation);
    Log(LogLevel::kWarning, "a shard could not be handed back",
        {{"shard", job.lease->shard()}, {"error", status.message()}});
  }
  Ended(job, "released");
}

void ShardRunner::Ended(const Job& job, const char* outcome) {
  const char* phase = PhaseName(job.shard.phase());
  parts_.metrics.ShardEnded(phase, outcome);
  Log(LogLevel::kInfo, "shard ended",
      {{"shard", job.lease->shard()},
       {"phase", phase},
       {"outcome", outcome},
       {"model", job.shard.model()},
       {"samples", job.shard.samples_size()},
       {"tokens", job.lease->tokens_done()},
       {"seconds", absl::ToDoubleSeconds(absl::Now() - job.start)}});
}

}  // namespace headscope::worker
