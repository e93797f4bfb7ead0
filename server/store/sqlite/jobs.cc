#include "server/store/sqlite/jobs.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "server/jobs/names.h"
#include "server/jobs/options_json.h"
#include "server/store/sqlite/blob_codec.h"
#include "server/store/sqlite/paging.h"

namespace headscope::server::sqlite {
namespace {

constexpr char kSelect[] =
    "SELECT id, number, state, cancel_requested, prepared, model, model_digest, dataset, compute, reduction, priority,"
    " batch_tokens, queue_ttl, max_attempts, preparation, failure_reason, failure_message, samples_done, samples_total,"
    " tokens_done, tokens_total, response_tokens, invalid_samples, attempts, halved_shards, queued_shards,"
    " leased_shards, create_time, start_time, end_time, family, stored_dtype, kv_heads, layers, heads,"
    " head_dim, queue_time, tokens_kept FROM job ";

template <typename Enum>
Enum NameOr(const std::string& name, Enum otherwise) {
  return FromName<Enum>(name).value_or(otherwise);
}

JobCounts ReadCounts(const Rows& rows) {
  JobCounts counts;
  counts.samples_done = rows.Uint(17);
  counts.samples_total = rows.Uint(18);
  counts.tokens_done = rows.Uint(19);
  counts.tokens_total = rows.Uint(20);
  counts.response_tokens = rows.Uint(21);
  counts.invalid_samples = rows.Uint(22);
  counts.attempts = rows.Uint(23);
  counts.halved_shards = rows.Uint(24);
  return counts;
}

absl::StatusOr<JobSpec> ReadSpec(Database& db, const Rows& rows) {
  JobSpec spec;
  spec.model = rows.Text(5);
  spec.model_digest = rows.Text(6);
  spec.dataset = rows.Text(7);
  absl::StatusOr<ComputeOptions> compute = ComputeOptionsFromJson(rows.Text(8));
  if (!compute.ok()) return compute.status();
  absl::StatusOr<ReductionOptions> reduction = ReductionOptionsFromJson(rows.Text(9));
  if (!reduction.ok()) return reduction.status();
  spec.compute = *std::move(compute);
  spec.reduction = *std::move(reduction);
  spec.priority = static_cast<std::int32_t>(rows.Int(10));
  if (!rows.IsNull(11)) spec.batch_tokens = rows.Uint32(11);
  if (!rows.IsNull(12)) spec.queue_ttl = absl::Microseconds(rows.Int(12));
  spec.max_attempts = rows.Uint32(13);
  Rows labels = db.Query("SELECT key, value FROM label WHERE job = ?", rows.Int(1));
  while (labels.Next()) spec.labels[labels.Text(0)] = labels.Text(1);
  return spec;
}

absl::StatusOr<JobRow> ReadRow(Database& db, const Rows& rows) {
  JobRow row;
  row.job.id = rows.Text(0);
  row.job.number = rows.Int(1);
  row.job.state = NameOr(rows.Text(2), JobState::kFailed);
  row.job.cancel_requested = rows.Bool(3);
  row.job.prepared = rows.Bool(4);
  absl::StatusOr<JobSpec> spec = ReadSpec(db, rows);
  if (!spec.ok()) return spec.status();
  row.job.spec = *std::move(spec);
  row.preparation = rows.Int(14);
  if (!rows.IsNull(15)) row.job.failure = JobFailure{rows.Text(15), rows.Text(16)};
  row.job.counts = ReadCounts(rows);
  row.queued_shards = rows.Uint(25);
  row.leased_shards = rows.Uint(26);
  row.job.create_time = rows.Time(27);
  row.job.start_time = rows.OptionalTime(28);
  row.job.end_time = rows.OptionalTime(29);
  row.job.model = {rows.Text(30), rows.Text(31), rows.Uint32(32), rows.Uint32(33), rows.Uint32(34), rows.Uint32(35)};
  row.job.queue_time = rows.Time(36);
  row.job.tokens_kept = rows.Uint(37);
  return row;
}

template <typename Key>
absl::StatusOr<JobRow> Find(Database& db, const char* condition, const Key& key, const std::string& name) {
  Rows rows = db.Query(absl::StrCat(kSelect, condition), key);
  if (!rows.Next()) return JobNotFound(name);
  return ReadRow(db, rows);
}

// The whole filter in one line: what a page token is bound to.
std::string Question(const JobFilter& filter) {
  std::vector<JobState> states = filter.states;
  std::sort(states.begin(), states.end());
  std::string text = "jobs";
  for (const JobState state : states) absl::StrAppend(&text, "\n", std::string(Name(state)));
  absl::StrAppend(&text, "\nmodel ", filter.model.size(), " ", filter.model);
  for (const auto& [key, value] : filter.labels) {
    absl::StrAppend(&text, "\n", key.size(), " ", key, value.size(), " ", value);
  }
  return text;
}

// Only the conditions that there are, so that SQLite can choose the index; few different texts, each prepared once.
Rows Select(Database& db, const JobFilter& filter, std::int64_t before, std::uint32_t limit) {
  std::string sql = absl::StrCat(kSelect, "WHERE number < ?");
  if (!filter.states.empty()) {
    absl::StrAppend(&sql, " AND state IN (?");
    for (std::size_t i = 1; i < filter.states.size(); ++i) absl::StrAppend(&sql, ", ?");
    absl::StrAppend(&sql, ")");
  }
  if (!filter.model.empty()) absl::StrAppend(&sql, " AND model = ?");
  for (std::size_t i = 0; i < filter.labels.size(); ++i) {
    absl::StrAppend(&sql, " AND number IN (SELECT job FROM label WHERE key = ? AND value = ?)");
  }
  Rows rows = db.Prepare(absl::StrCat(sql, " ORDER BY number DESC LIMIT ?"));
  int index = 0;
  db.Bind(rows, ++index, before);
  for (const JobState state : filter.states) db.Bind(rows, ++index, Name(state));
  if (!filter.model.empty()) db.Bind(rows, ++index, filter.model);
  for (const auto& [key, value] : filter.labels) {
    db.Bind(rows, ++index, key);
    db.Bind(rows, ++index, value);
  }
  db.Bind(rows, ++index, limit);
  return rows;
}

}  // namespace

absl::Status JobNotFound(const std::string& id) {
  return MakeError(absl::StatusCode::kNotFound, absl::StrCat("no job '", id, "'"), "JOB_NOT_FOUND");
}

absl::StatusOr<JobRow> FindJob(Database& db, const std::string& id) { return Find(db, "WHERE id = ?", id, id); }

absl::StatusOr<JobRow> FindJob(Database& db, std::int64_t number) {
  return Find(db, "WHERE number = ?", number, absl::StrCat("number ", number));
}

void PinModelFacts(Database& db, std::int64_t number, const CatalogueEntry& model) {
  db.Run(
      "UPDATE job SET family = ?, stored_dtype = ?, kv_heads = ?, layers = ?, heads = ?, head_dim = ? WHERE number = ?",
      model.family, model.stored_dtype, model.kv_heads, model.layers, model.heads, model.head_dim, number);
}

absl::StatusOr<Page<Job>> ListJobs(Database& db, const JobFilter& filter, const PageRequest& page) {
  return ReadPage(
      {Question(filter)}, page, &Job::number,
      [&](std::int64_t before, std::uint32_t limit) { return Select(db, filter, before, limit); },
      [&](const Rows& rows) -> absl::StatusOr<Job> {
        absl::StatusOr<JobRow> row = ReadRow(db, rows);
        if (!row.ok()) return row.status();
        return std::move(row->job);
      });
}

absl::StatusOr<std::vector<Attempt>> ListAttempts(Database& db, const std::string& job, std::uint32_t limit) {
  const absl::StatusOr<JobRow> row = FindJob(db, job);
  if (!row.ok()) return row.status();
  std::vector<Attempt> attempts;
  Rows rows = db.Query(
      "SELECT phase, shard, worker, device, build, outcome, message, start_time, end_time FROM attempt WHERE job = ?"
      " ORDER BY number DESC LIMIT ?",
      row->job.number, limit == 0 ? std::int64_t{-1} : std::int64_t{limit});
  while (rows.Next()) {
    Attempt& attempt = attempts.emplace_back();
    attempt.phase = NameOr(rows.Text(0), Phase::kPrepare);
    attempt.shard = rows.Uint32(1);
    attempt.worker = rows.Text(2);
    attempt.device = rows.Text(3);
    attempt.build = rows.Text(4);
    attempt.outcome = NameOr(rows.Text(5), Outcome::kFailed);
    attempt.message = rows.Text(6);
    attempt.start_time = rows.Time(7);
    attempt.end_time = rows.OptionalTime(8);
  }
  std::reverse(attempts.begin(), attempts.end());
  return attempts;
}

absl::StatusOr<std::vector<ResultShard>> ResultShards(Database& db, const std::string& job) {
  const absl::StatusOr<JobRow> row = FindJob(db, job);
  if (!row.ok()) return row.status();
  if (row->job.state != JobState::kSucceeded) {
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     absl::StrCat("job '", job, "' is ", std::string(Name(row->job.state)), ", not SUCCEEDED"),
                     "JOB_NOT_SUCCEEDED");
  }
  std::vector<ResultShard> shards;
  Rows rows = db.Query("SELECT ordinal, samples, blob FROM shard WHERE job = ? AND phase = 'SCORE' ORDER BY ordinal",
                       row->job.number);
  while (rows.Next()) {
    absl::StatusOr<std::vector<std::uint32_t>> samples = DecodePositions(rows.Text(1));
    if (!samples.ok()) return samples.status();
    shards.push_back({rows.Uint32(0), *std::move(samples), rows.Text(2)});
  }
  return shards;
}

}  // namespace headscope::server::sqlite
