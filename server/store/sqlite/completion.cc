#include "server/store/sqlite/completion.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "proto/support/sha256.h"
#include "server/jobs/names.h"
#include "server/store/sqlite/blobs.h"
#include "server/store/sqlite/catalogue.h"
#include "server/store/sqlite/job_end.h"
#include "server/store/sqlite/leases.h"
#include "server/store/sqlite/preparations.h"
#include "server/store/sqlite/shards.h"

namespace headscope::server::sqlite {
namespace {

constexpr std::size_t kDigestBytes = 32;

// The lease, or nullopt when this very lease was completed before: then there is nothing to do.
absl::StatusOr<std::optional<ShardRow>> FindOpen(Database& db, const LeaseKey& lease, Phase phase,
                                                 const std::string& blob) {
  const absl::StatusOr<std::optional<ShardRow>> row = FindShard(db, lease.shard);
  if (!row.ok()) return row.status();
  if (*row && (*row)->shard.phase != phase) {
    return absl::InvalidArgumentError(absl::StrCat("results of ", std::string(Name(phase)), " for shard ", lease.shard,
                                                   ", which is one of ", std::string(Name((*row)->shard.phase))));
  }
  if (*row && (*row)->shard.state == ShardState::kDone && (*row)->shard.fence == lease.fence && (*row)->blob == blob) {
    return std::nullopt;
  }
  absl::StatusOr<ShardRow> leased = FindLeased(db, lease);
  if (!leased.ok()) return leased.status();
  return *std::move(leased);
}

absl::Status Ignore(Change& change, const ShardRow& row) {
  return EndLease(change, row, {row.shard, std::nullopt}, Outcome::kCancelled, "");
}

// Every sample of the shard once, as valid or invalid, and nothing else.
absl::Status CheckCoverage(const Shard& shard, const std::vector<PreparedSample>& valid,
                           const std::vector<InvalidSample>& invalid) {
  std::vector<std::uint32_t> seen;
  seen.reserve(valid.size() + invalid.size());
  for (const PreparedSample& sample : valid) {
    if (sample.prompt_tokens >= sample.tokens) {
      return absl::InvalidArgumentError(absl::StrCat("sample ", sample.index, " is said to have ", sample.tokens,
                                                     " tokens, ", sample.prompt_tokens, " of them prompt"));
    }
    seen.push_back(sample.index);
  }
  for (const InvalidSample& sample : invalid) seen.push_back(sample.index);
  std::sort(seen.begin(), seen.end());
  if (seen == shard.samples) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("results for ", seen.size(), " samples do not cover the ",
                                                 shard.samples.size(), " of shard ", shard.id, " once each"));
}

// The first pin stands: what another content gave is handed back, for a worker that has the pinned one.
absl::Status HandBack(Change& change, const ShardRow& row, const JobSpec& spec, const std::string& found) {
  return EndLease(change, row, {AfterRelease(row.shard, /*taken=*/false), std::nullopt}, Outcome::kReleased,
                  absl::StrCat(kModelChanged, ": the worker's model '", spec.model, "' is sha256:", ToHex(found),
                               ", the job is pinned to sha256:", ToHex(spec.model_digest)));
}

}  // namespace

absl::Status CompletePrepare(Change& change, const LeaseKey& lease, const std::string& model_digest,
                             const std::vector<PreparedSample>& valid, const std::vector<InvalidSample>& invalid) {
  const auto row = FindOpen(change.db, lease, Phase::kPrepare, "");
  if (!row.ok()) return row.status();
  if (!*row) return absl::OkStatus();
  if (absl::Status covered = CheckCoverage((*row)->shard, valid, invalid); !covered.ok()) return covered;
  if (model_digest.size() != kDigestBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("a model digest of ", model_digest.size(), " bytes, wanted ", kDigestBytes));
  }
  absl::StatusOr<JobRow> job = FindJob(change.db, (*row)->job_number);
  if (!job.ok()) return job.status();
  if (job->job.cancel_requested) return Ignore(change, **row);
  JobSpec& spec = job->job.spec;
  if (!spec.model_digest.empty() && spec.model_digest != model_digest) {
    return HandBack(change, **row, spec, model_digest);
  }
  spec.model_digest = model_digest;
  const auto model = EntryOfHolder(change.db, lease.session.session, spec.model, model_digest);
  if (absl::Status moved = MoveShard(change, **row, ShardAction::kComplete, (*row)->shard); !moved.ok()) return moved;
  EndAttempt(change, (*row)->attempt, Outcome::kCompleted, "");
  AddPart(change, job->preparation, (*row)->shard.ordinal, valid, invalid);
  change.db.Run("UPDATE job SET model_digest = ?, invalid_samples = invalid_samples + ? WHERE number = ?",
                Blob{model_digest}, invalid.size(), job->job.number);
  if (model) PinModelFacts(change.db, job->job.number, *model);
  change.Touched(job->job.id);
  // One was leased: this one.
  if (job->queued_shards > 0 || job->leased_shards > 1) return absl::OkStatus();
  FinishPreparation(change, job->preparation, spec);
  return PlanScore(change, job->job.number);
}

absl::Status CompleteScore(Change& change, const LeaseKey& lease, const std::string& blob,
                           std::uint32_t batch_tokens_used, std::uint64_t response_tokens) {
  if (DigestFromHex(blob).size() != kDigestBytes) return absl::InvalidArgumentError("a blob without its SHA-256");
  const auto row = FindOpen(change.db, lease, Phase::kScore, blob);
  if (!row.ok()) return row.status();
  if (!*row) {
    GiveUpBlob(change.db, blob);
    return absl::OkStatus();
  }
  const absl::StatusOr<JobRow> job = FindJob(change.db, (*row)->job_number);
  if (!job.ok()) return job.status();
  if (job->job.cancel_requested) {
    GiveUpBlob(change.db, blob);
    return Ignore(change, **row);
  }
  if (absl::Status recorded = RecordBlob(change.db, blob); !recorded.ok()) return recorded;
  const Shard& shard = (*row)->shard;
  if (absl::Status moved = MoveShard(change, **row, ShardAction::kComplete, shard, blob); !moved.ok()) return moved;
  EndAttempt(change, (*row)->attempt, Outcome::kCompleted, "");
  const bool halved = batch_tokens_used < job->job.spec.batch_tokens.value_or(batch_tokens_used);
  change.db.Run(
      "UPDATE job SET samples_done = samples_done + ?, tokens_done = tokens_done + ?,"
      " response_tokens = response_tokens + ?, halved_shards = halved_shards + ? WHERE number = ?",
      shard.samples.size(), shard.tokens, response_tokens, halved, job->job.number);
  change.Touched(job->job.id);
  if (job->queued_shards > 0 || job->leased_shards > 1) return absl::OkStatus();
  const absl::StatusOr<JobRow> finished = FindJob(change.db, job->job.number);
  if (!finished.ok()) return finished.status();
  return EndJob(change, *finished, JobAction::kSucceed);
}

}  // namespace headscope::server::sqlite
