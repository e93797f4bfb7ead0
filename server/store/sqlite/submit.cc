#include "server/store/sqlite/submit.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "proto/support/limits.h"
#include "server/jobs/options_json.h"
#include "server/jobs/planning.h"
#include "server/store/sqlite/catalogue.h"
#include "server/store/sqlite/datasets.h"
#include "server/store/sqlite/jobs.h"
#include "server/store/sqlite/preparations.h"
#include "server/store/sqlite/requests.h"

namespace headscope::server::sqlite {

namespace {

Request RequestOf(const NewJob& job) { return {"default", Made::kJob, job.request_id, job.request_hash}; }

}  // namespace

absl::StatusOr<std::optional<Job>> FindSubmitted(Database& db, const NewJob& job) {
  const absl::StatusOr<std::optional<std::string>> made = FindMade(db, RequestOf(job));
  if (!made.ok()) return made.status();
  if (!*made) return std::nullopt;
  absl::StatusOr<JobRow> row = FindJob(db, **made);
  if (!row.ok()) return row.status();
  return std::move(row->job);
}

namespace {

// A preparation that serves another job too, and the content that this pins the job to.
struct Reused {
  std::int64_t preparation = 0;
  CatalogueEntry model;
};

std::optional<Reused> Reuse(Database& db, JobSpec& spec) {
  std::optional<CatalogueEntry> model = AgreedEntry(db, spec.model, spec.model_digest);
  if (!model) return std::nullopt;
  const std::optional<std::int64_t> preparation = FindReusablePreparation(db, spec, *model);
  if (!preparation) return std::nullopt;
  spec.model_digest = model->digest;
  return Reused{*preparation, *std::move(model)};
}

std::int64_t InsertJob(Change& change, const std::string& id, const NewJob& job, std::int64_t preparation,
                       std::uint64_t samples) {
  const JobSpec& spec = job.spec;
  std::optional<absl::Time> queue_deadline;
  if (spec.queue_ttl) queue_deadline = change.now + *spec.queue_ttl;
  change.db.Run(
      "INSERT INTO job(id, model, model_digest, dataset, compute, reduction, priority, batch_tokens, queue_ttl,"
      " max_attempts, preparation, samples_total, create_time, queue_time, queue_deadline)"
      " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?13, ?13, ?14)",
      id, spec.model, Blob{spec.model_digest}, spec.dataset, ToJson(spec.compute), ToJson(spec.reduction),
      spec.priority, spec.batch_tokens, spec.queue_ttl, spec.max_attempts, preparation, samples, change.now,
      queue_deadline);
  const std::int64_t number = change.db.last_insert_rowid();
  RememberMade(change, RequestOf(job), id);
  for (const auto& [key, value] : spec.labels) {
    change.db.Run("INSERT INTO label(job, key, value) VALUES(?, ?, ?)", number, key, value);
  }
  return number;
}

}  // namespace

absl::Status CheckRoom(Change& change, std::uint64_t jobs) {
  Rows rows = change.db.Query("SELECT COUNT(*) FROM job WHERE state IN ('QUEUED', 'PREPARING')");
  const std::uint64_t queued = rows.Next() ? rows.Uint(0) : 0;
  const std::uint64_t most = change.options.max_queued_jobs;
  if (queued + jobs <= most) return absl::OkStatus();
  std::string message = absl::StrCat(queued, " jobs wait to be scored, at most ", most, " (--max-queued-jobs) may");
  if (jobs > 1) absl::StrAppend(&message, ", and there are ", jobs, " to come");
  return MakeError(absl::StatusCode::kResourceExhausted, absl::StrCat(message, "; try again later"),
                   ErrorDetails{"QUEUE_FULL", {}, absl::Seconds(30)});
}

absl::StatusOr<bool> PlanFromReused(Change& change, const JobRow& row) {
  JobSpec spec = row.job.spec;
  const std::optional<Reused> reused = Reuse(change.db, spec);
  if (!reused) return false;
  const std::int64_t number = row.job.number;
  change.db.Run("UPDATE job SET preparation = ?, model_digest = ? WHERE number = ?", reused->preparation,
                Blob{spec.model_digest}, number);
  change.db.Run("DELETE FROM preparation WHERE number = ?1 AND NOT EXISTS (SELECT 1 FROM job WHERE preparation = ?1)",
                row.preparation);
  PinModelFacts(change.db, number, reused->model);
  if (absl::Status planned = PlanScore(change, number); !planned.ok()) return planned;
  return true;
}

absl::StatusOr<JobRow> AddJob(Change& change, NewJob job, std::uint64_t samples) {
  const std::optional<Reused> reused = Reuse(change.db, job.spec);
  const std::int64_t preparation = reused ? reused->preparation : NewPreparation(change, job.spec);
  const std::string id = MakeId("j-", change.random);
  const std::int64_t number = InsertJob(change, id, job, preparation, samples);
  change.Touched(id);
  if (reused) {
    PinModelFacts(change.db, number, reused->model);
    if (absl::Status planned = PlanScore(change, number); !planned.ok()) return planned;
  } else {
    InsertShards(change, number, Phase::kPrepare, PlanPrepareShards(samples), 0);
  }
  return FindJob(change.db, number);
}

absl::StatusOr<std::uint64_t> SamplesOf(Database& db, const std::string& dataset) {
  const absl::StatusOr<DatasetRecord> record = FindDataset(db, dataset);
  if (!record.ok()) return record.status();
  if (record->sample_count == 0) return absl::InvalidArgumentError("the dataset has no samples");
  return record->sample_count;
}

absl::StatusOr<SubmitOutcome> Submit(Change& change, const NewJob& job) {
  absl::StatusOr<std::optional<Job>> former = FindSubmitted(change.db, job);
  if (!former.ok()) return former.status();
  if (*former) return SubmitOutcome{**std::move(former), false, {}};
  const absl::StatusOr<std::uint64_t> samples = SamplesOf(change.db, job.spec.dataset);
  if (!samples.ok()) return samples.status();
  if (absl::Status room = CheckRoom(change, 1); !room.ok()) return room;
  absl::StatusOr<JobRow> row = AddJob(change, job, *samples);
  if (!row.ok()) return row.status();
  return SubmitOutcome{std::move(row->job), true, {}};
}

}  // namespace headscope::server::sqlite
