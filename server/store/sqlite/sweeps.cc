#include "server/store/sqlite/sweeps.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "proto/support/limits.h"
#include "server/jobs/options_json.h"
#include "server/store/sqlite/job_end.h"
#include "server/store/sqlite/jobs.h"
#include "server/store/sqlite/paging.h"
#include "server/store/sqlite/requests.h"
#include "server/store/sqlite/retry.h"
#include "server/store/sqlite/submit.h"

namespace headscope::server::sqlite {
namespace {

constexpr char kSelect[] =
    "SELECT number, id, create_time, compute, reduction, priority, batch_tokens, queue_ttl, max_attempts FROM sweep ";

absl::Status NotFound(const std::string& id) {
  return MakeError(absl::StatusCode::kNotFound, absl::StrCat("no sweep '", id, "'"), "SWEEP_NOT_FOUND");
}

absl::Status ReadSpec(Database& db, const Rows& rows, SweepSpec& spec) {
  absl::StatusOr<ComputeOptions> compute = ComputeOptionsFromJson(rows.Text(3));
  if (!compute.ok()) return compute.status();
  absl::StatusOr<ReductionOptions> reduction = ReductionOptionsFromJson(rows.Text(4));
  if (!reduction.ok()) return reduction.status();
  spec.common.compute = *std::move(compute);
  spec.common.reduction = *std::move(reduction);
  spec.common.priority = static_cast<std::int32_t>(rows.Int(5));
  if (!rows.IsNull(6)) spec.common.batch_tokens = rows.Uint32(6);
  if (!rows.IsNull(7)) spec.common.queue_ttl = absl::Microseconds(rows.Int(7));
  spec.common.max_attempts = rows.Uint32(8);
  const std::int64_t number = rows.Int(0);
  Rows models = db.Query("SELECT model FROM sweep_model WHERE sweep = ? ORDER BY ordinal", number);
  while (models.Next()) spec.models.push_back(models.Text(0));
  Rows datasets = db.Query("SELECT digest, task FROM sweep_dataset WHERE sweep = ? ORDER BY ordinal", number);
  while (datasets.Next()) spec.datasets.push_back({datasets.Text(0), datasets.Text(1)});
  Rows labels = db.Query("SELECT key, value FROM sweep_label WHERE sweep = ?", number);
  while (labels.Next()) spec.common.labels[labels.Text(0)] = labels.Text(1);
  return absl::OkStatus();
}

SweepCounts Count(Database& db, std::int64_t number) {
  SweepCounts counts;
  Rows rows = db.Query(
      "SELECT COUNT(*), TOTAL(state = 'QUEUED'), TOTAL(state = 'RUNNING'), TOTAL(state = 'SUCCEEDED'),"
      " TOTAL(state = 'FAILED'), TOTAL(state = 'CANCELLED'), TOTAL(state = 'EXPIRED'), TOTAL(state IS NULL),"
      " TOTAL(deleted_state IN ('FAILED', 'EXPIRED')), TOTAL(deleted_state = 'CANCELLED'), TOTAL(state = 'PREPARING'), TOTAL(samples_done),"
      " TOTAL(samples_total), TOTAL(tokens_done), TOTAL(tokens_total), MIN(COALESCE(start_time, deleted_start_time)),"
      " MAX(COALESCE(end_time, deleted_end_time)) FROM sweep_cell LEFT JOIN job ON job.number = sweep_cell.job WHERE "
      "sweep_cell.sweep = ?",
      number);
  if (!rows.Next()) return counts;
  counts.total = rows.Uint32(0);
  std::uint32_t* const states[] = {&counts.queued,  &counts.running,        &counts.succeeded,
                                   &counts.failed,  &counts.cancelled,      &counts.expired,
                                   &counts.deleted, &counts.deleted_failed, &counts.deleted_cancelled,
                                   &counts.preparing};
  int column = 0;
  for (std::uint32_t* const state : states) *state = rows.Uint32(++column);
  counts.samples_done = rows.Uint(11);
  counts.samples_total = rows.Uint(12);
  counts.tokens_done = rows.Uint(13);
  counts.tokens_total = rows.Uint(14);
  counts.start_time = rows.OptionalTime(15);
  counts.end_time = rows.OptionalTime(16);
  return counts;
}

absl::StatusOr<Sweep> ReadSweep(Database& db, const Rows& rows) {
  Sweep sweep;
  sweep.number = rows.Int(0);
  sweep.id = rows.Text(1);
  sweep.create_time = rows.Time(2);
  if (absl::Status status = ReadSpec(db, rows, sweep.spec); !status.ok()) return status;
  sweep.counts = Count(db, sweep.number);
  return sweep;
}

absl::Status ReadCells(Database& db, Sweep& sweep) {
  Rows rows = db.Query("SELECT job FROM sweep_cell WHERE sweep = ? ORDER BY ordinal", sweep.number);
  while (rows.Next()) {
    std::optional<Job>& cell = sweep.cells.emplace_back();
    if (rows.IsNull(0)) continue;
    absl::StatusOr<JobRow> row = FindJob(db, rows.Int(0));
    if (!row.ok()) return row.status();
    cell = std::move(row->job);
  }
  return absl::OkStatus();
}

void InsertSpec(Change& change, std::int64_t number, const SweepSpec& spec) {
  for (std::size_t i = 0; i < spec.models.size(); ++i) {
    change.db.Run("INSERT INTO sweep_model(sweep, ordinal, model) VALUES(?, ?, ?)", number, i, spec.models[i]);
  }
  for (std::size_t i = 0; i < spec.datasets.size(); ++i) {
    change.db.Run("INSERT INTO sweep_dataset(sweep, ordinal, digest, task) VALUES(?, ?, ?, ?)", number, i,
                  spec.datasets[i].digest, spec.datasets[i].task);
  }
  for (const auto& [key, value] : spec.common.labels) {
    change.db.Run("INSERT INTO sweep_label(sweep, key, value) VALUES(?, ?, ?)", number, key, value);
  }
}

Request RequestOf(const NewSweep& sweep) { return {"default", Made::kSweep, sweep.request_id, sweep.request_hash}; }

std::int64_t InsertSweep(Change& change, const std::string& id, const NewSweep& sweep) {
  const JobSpec& common = sweep.spec.common;
  change.db.Run(
      "INSERT INTO sweep(id, compute, reduction, priority, batch_tokens, queue_ttl, max_attempts, create_time)"
      " VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
      id, ToJson(common.compute), ToJson(common.reduction), common.priority, common.batch_tokens, common.queue_ttl,
      common.max_attempts, change.now);
  const std::int64_t number = change.db.last_insert_rowid();
  RememberMade(change, RequestOf(sweep), id);
  InsertSpec(change, number, sweep.spec);
  return number;
}

// Gives each of these cells a new job; their ids.
absl::StatusOr<std::vector<std::string>> MakeJobs(Change& change, const Sweep& sweep,
                                                  const std::vector<std::string>& model_digests,
                                                  const std::vector<std::size_t>& cells) {
  std::vector<std::string> made;
  for (const std::size_t cell : cells) {
    const std::string& digest = model_digests[cell / sweep.spec.datasets.size()];
    const NewJob job{CellSpec(sweep.spec, sweep.id, cell, digest), "", ""};
    const absl::StatusOr<std::uint64_t> samples = SamplesOf(change.db, job.spec.dataset);
    if (!samples.ok()) return samples.status();
    const absl::StatusOr<JobRow> row = AddJob(change, job, *samples);
    if (!row.ok()) return row.status();
    change.db.Run("UPDATE job SET sweep = ? WHERE number = ?", sweep.number, row->job.number);
    change.db.Run(
        "INSERT INTO sweep_cell(sweep, ordinal, job) VALUES(?, ?, ?)"
        " ON CONFLICT(sweep, ordinal) DO UPDATE SET job = excluded.job, deleted_state = NULL,"
        " deleted_start_time = NULL, deleted_end_time = NULL",
        sweep.number, cell, row->job.number);
    made.push_back(row->job.id);
  }
  return made;
}

// What a page token is bound to.
std::string Question(const SweepFilter& filter) {
  std::string text = "sweeps";
  for (const auto& [key, value] : filter.labels) {
    absl::StrAppend(&text, "\n", key.size(), " ", key, value.size(), " ", value);
  }
  return text;
}

Rows Select(Database& db, const SweepFilter& filter, std::int64_t before, std::uint32_t limit) {
  std::string sql = absl::StrCat(kSelect, "WHERE number < ?");
  for (std::size_t i = 0; i < filter.labels.size(); ++i) {
    absl::StrAppend(&sql, " AND number IN (SELECT sweep FROM sweep_label WHERE key = ? AND value = ?)");
  }
  Rows rows = db.Prepare(absl::StrCat(sql, " ORDER BY number DESC LIMIT ?"));
  int index = 0;
  db.Bind(rows, ++index, before);
  for (const auto& [key, value] : filter.labels) {
    db.Bind(rows, ++index, key);
    db.Bind(rows, ++index, value);
  }
  db.Bind(rows, ++index, limit);
  return rows;
}

}  // namespace

absl::StatusOr<std::optional<Sweep>> FindSubmittedSweep(Database& db, const NewSweep& sweep) {
  const absl::StatusOr<std::optional<std::string>> made = FindMade(db, RequestOf(sweep));
  if (!made.ok()) return made.status();
  if (!*made) return std::nullopt;
  return FindSweep(db, **made);
}

absl::StatusOr<SweepOutcome> SubmitSweep(Change& change, const NewSweep& submitted) {
  absl::StatusOr<std::optional<Sweep>> former = FindSubmittedSweep(change.db, submitted);
  if (!former.ok()) return former.status();
  if (*former) return SweepOutcome{**std::move(former), false, {}};
  Sweep sweep;
  sweep.id = MakeId("s-", change.random);
  sweep.spec = submitted.spec;
  sweep.number = InsertSweep(change, sweep.id, submitted);
  std::vector<std::size_t> cells(sweep.spec.cell_count());
  for (std::size_t cell = 0; cell < cells.size(); ++cell) cells[cell] = cell;
  if (absl::Status room = CheckRoom(change, cells.size()); !room.ok()) return room;
  const auto made = MakeJobs(change, sweep, submitted.model_digests, cells);
  if (!made.ok()) return made.status();
  absl::StatusOr<Sweep> stored = FindSweep(change.db, sweep.id);
  if (!stored.ok()) return stored.status();
  return SweepOutcome{*std::move(stored), true, {}};
}

absl::StatusOr<Sweep> FindSweep(Database& db, const std::string& id) {
  Rows rows = db.Query(absl::StrCat(kSelect, "WHERE id = ?"), id);
  if (!rows.Next()) return NotFound(id);
  absl::StatusOr<Sweep> sweep = ReadSweep(db, rows);
  if (!sweep.ok()) return sweep;
  if (absl::Status status = ReadCells(db, *sweep); !status.ok()) return status;
  return sweep;
}

absl::StatusOr<Page<Sweep>> ListSweeps(Database& db, const SweepFilter& filter, const PageRequest& page) {
  return ReadPage(
      {Question(filter)}, page, &Sweep::number,
      [&](std::int64_t before, std::uint32_t limit) { return Select(db, filter, before, limit); },
      [&](const Rows& rows) { return ReadSweep(db, rows); });
}

absl::Status CancelSweep(Change& change, const std::string& id) {
  const absl::StatusOr<Sweep> sweep = FindSweep(change.db, id);
  if (!sweep.ok()) return sweep.status();
  for (const std::optional<Job>& cell : sweep->cells) {
    if (!cell || HasEnded(cell->state)) continue;
    if (absl::Status status = CancelJob(change, cell->id); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> RetrySweep(Change& change, const std::string& id,
                                                    const std::vector<std::string>& model_digests) {
  const absl::StatusOr<Sweep> sweep = FindSweep(change.db, id);
  if (!sweep.ok()) return sweep.status();
  // Cells without a job, and the jobs that go on.
  std::vector<std::size_t> gone;
  std::vector<std::string> retried;
  for (std::size_t cell = 0; cell < sweep->cells.size(); ++cell) {
    const std::optional<Job>& job = sweep->cells[cell];
    if (!NeedsRetry(job)) continue;
    if (!job) {
      gone.push_back(cell);
      continue;
    }
    if (job->spec.model_digest.empty()) {
      change.db.Run("UPDATE job SET model_digest = ? WHERE number = ?",
                    Blob{model_digests[cell / sweep->spec.datasets.size()]}, job->number);
    }
    if (absl::Status status = RetryJob(change, job->id); !status.ok()) return status;
    retried.push_back(job->id);
  }
  if (absl::Status room = CheckRoom(change, gone.size()); !room.ok()) return room;
  absl::StatusOr<std::vector<std::string>> made = MakeJobs(change, *sweep, model_digests, gone);
  if (!made.ok()) return made.status();
  retried.insert(retried.end(), made->begin(), made->end());
  return retried;
}

absl::StatusOr<std::vector<std::string>> DeleteSweep(Change& change, const std::string& id, bool keep_jobs) {
  const absl::StatusOr<Sweep> sweep = FindSweep(change.db, id);
  if (!sweep.ok()) return sweep.status();
  std::vector<std::string> deleted;
  if (!keep_jobs) {
    Rows rows = change.db.Query("SELECT id FROM job WHERE sweep = ? ORDER BY number", sweep->number);
    while (rows.Next()) deleted.push_back(rows.Text(0));
  }
  for (const std::string& job : deleted) {
    const absl::Status gone = DeleteJob(change, job);
    if (ReasonOf(gone) == "JOB_NOT_ENDED") {
      return MakeError(absl::StatusCode::kFailedPrecondition,
                       absl::StrCat("job '", job, "' of sweep '", id,
                                    "' has not ended; only sweeps that have ended are deleted: cancel it first"),
                       "SWEEP_NOT_ENDED");
    }
    if (!gone.ok()) return gone;
  }
  change.db.Run("DELETE FROM sweep WHERE number = ?", sweep->number);
  MarkDeleted(change.db, change.now, Made::kSweep, id);
  return deleted;
}

}  // namespace headscope::server::sqlite
