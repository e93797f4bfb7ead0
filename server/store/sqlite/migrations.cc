#include "server/store/sqlite/migrations.h"

#include <array>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "proto/support/error.h"
#include "server/store/sqlite/transaction.h"

namespace headscope::server::sqlite {
namespace {

// Times are microseconds since the epoch, durations microseconds, digests raw bytes (datasets' and blobs': hex).
constexpr char kFirst[] = R"sql(
CREATE TABLE dataset(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  digest TEXT NOT NULL UNIQUE,
  sample_count INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  display_name TEXT NOT NULL,
  create_time INTEGER NOT NULL) STRICT;

-- What PREPARE found out about a dataset under some options. Once whole and reusable it serves later jobs as well.
CREATE TABLE preparation(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  dataset TEXT NOT NULL REFERENCES dataset(digest) ON DELETE CASCADE,
  append_eos INTEGER NOT NULL,
  max_tokens INTEGER,
  model_digest BLOB,
  tokenizer_digest BLOB,
  positions INTEGER,
  vocabulary INTEGER,
  reusable INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX preparation_dataset ON preparation(dataset);
CREATE TABLE prepared_part(
  preparation INTEGER NOT NULL REFERENCES preparation(number) ON DELETE CASCADE,
  ordinal INTEGER NOT NULL,
  samples BLOB NOT NULL,
  PRIMARY KEY(preparation, ordinal)) STRICT;
CREATE TABLE invalid_sample(
  preparation INTEGER NOT NULL REFERENCES preparation(number) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  id TEXT NOT NULL,
  reason TEXT NOT NULL,
  message TEXT NOT NULL,
  PRIMARY KEY(preparation, position)) STRICT, WITHOUT ROWID;
-- Counted when written: a million rows are not counted again for every question.
CREATE TABLE invalid_reason(
  preparation INTEGER NOT NULL REFERENCES preparation(number) ON DELETE CASCADE,
  reason TEXT NOT NULL,
  samples INTEGER NOT NULL,
  PRIMARY KEY(preparation, reason)) STRICT, WITHOUT ROWID;

CREATE TABLE job(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  request_id TEXT UNIQUE,
  request_hash BLOB NOT NULL,
  state TEXT NOT NULL DEFAULT 'QUEUED'
    CHECK(state IN ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'EXPIRED')),
  cancel_requested INTEGER NOT NULL DEFAULT 0,
  prepared INTEGER NOT NULL DEFAULT 0,
  model TEXT NOT NULL,
  model_digest BLOB NOT NULL,
  -- Of the pinned model.
  family TEXT NOT NULL DEFAULT '',
  stored_dtype TEXT NOT NULL DEFAULT '',
  kv_heads INTEGER NOT NULL DEFAULT 0,
  dataset TEXT NOT NULL REFERENCES dataset(digest),
  compute TEXT NOT NULL,
  reduction TEXT NOT NULL,
  priority INTEGER NOT NULL,
  batch_tokens INTEGER,
  queue_ttl INTEGER,
  max_attempts INTEGER NOT NULL,
  preparation INTEGER NOT NULL REFERENCES preparation(number),
  failure_reason TEXT,
  failure_message TEXT,
  samples_done INTEGER NOT NULL DEFAULT 0,
  samples_total INTEGER NOT NULL,
  tokens_done INTEGER NOT NULL DEFAULT 0,
  tokens_total INTEGER NOT NULL DEFAULT 0,
  response_tokens INTEGER NOT NULL DEFAULT 0,
  invalid_samples INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  halved_shards INTEGER NOT NULL DEFAULT 0,
  -- Kept by the triggers below.
  queued_shards INTEGER NOT NULL DEFAULT 0 CHECK(queued_shards >= 0),
  leased_shards INTEGER NOT NULL DEFAULT 0 CHECK(leased_shards >= 0),
  create_time INTEGER NOT NULL,
  start_time INTEGER,
  end_time INTEGER,
  expire_time INTEGER,
  last_lease_time INTEGER,
  CHECK((state IN ('QUEUED', 'RUNNING')) = (end_time IS NULL)),
  CHECK((state = 'FAILED') = (failure_reason IS NOT NULL)),
  CHECK(end_time IS NULL OR (queued_shards = 0 AND leased_shards = 0)),
  CHECK(state <> 'QUEUED' OR NOT cancel_requested)) STRICT;
CREATE INDEX job_waiting ON job(model, prepared, model_digest, priority DESC, leased_shards, number)
  WHERE queued_shards > 0;
CREATE INDEX job_state ON job(state, number);
CREATE INDEX job_model ON job(model, number);
CREATE INDEX job_dataset ON job(dataset);
CREATE INDEX job_preparation ON job(preparation);
CREATE INDEX job_expiry ON job(expire_time) WHERE state = 'QUEUED' AND expire_time IS NOT NULL;
CREATE TABLE label(
  job INTEGER NOT NULL REFERENCES job(number) ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY(job, key)) STRICT, WITHOUT ROWID;
CREATE INDEX label_value ON label(key, value, job);

CREATE TABLE shard(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  job INTEGER NOT NULL REFERENCES job(number) ON DELETE CASCADE,
  phase TEXT NOT NULL CHECK(phase IN ('PREPARE', 'SCORE')),
  ordinal INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'QUEUED' CHECK(state IN ('QUEUED', 'LEASED', 'DONE', 'ABANDONED')),
  samples BLOB NOT NULL,
  sample_count INTEGER NOT NULL,
  tokens INTEGER NOT NULL,
  batch_tokens INTEGER NOT NULL,
  fence INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  worker_deaths INTEGER NOT NULL DEFAULT 0,
  run_after INTEGER NOT NULL,
  -- The holder: no expiry here, the session has one.
  session TEXT,
  attempt INTEGER,
  -- Since when the holder's heartbeats do not name it.
  missing_since INTEGER,
  blob TEXT,
  UNIQUE(job, phase, ordinal),
  CHECK((state = 'LEASED') = (session IS NOT NULL)),
  CHECK((state = 'LEASED') = (attempt IS NOT NULL)),
  CHECK((state = 'DONE' AND phase = 'SCORE') = (blob IS NOT NULL))) STRICT;
CREATE INDEX shard_queued ON shard(job, phase, ordinal) WHERE state = 'QUEUED';
CREATE INDEX shard_run_after ON shard(run_after) WHERE state = 'QUEUED';
CREATE INDEX shard_leased ON shard(session) WHERE state = 'LEASED';
CREATE INDEX shard_blob ON shard(blob) WHERE blob IS NOT NULL;
CREATE TRIGGER shard_added AFTER INSERT ON shard WHEN new.state = 'QUEUED' BEGIN
  UPDATE job SET queued_shards = queued_shards + 1 WHERE number = new.job;
END;
CREATE TRIGGER shard_moved AFTER UPDATE OF state ON shard WHEN old.state <> new.state BEGIN
  UPDATE job SET queued_shards = queued_shards + (new.state = 'QUEUED') - (old.state = 'QUEUED'),
                 leased_shards = leased_shards + (new.state = 'LEASED') - (old.state = 'LEASED')
  WHERE number = new.job;
END;

CREATE TABLE attempt(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  job INTEGER NOT NULL REFERENCES job(number) ON DELETE CASCADE,
  phase TEXT NOT NULL,
  shard INTEGER NOT NULL,
  worker TEXT NOT NULL,
  device TEXT NOT NULL,
  build TEXT NOT NULL,
  outcome TEXT NOT NULL DEFAULT 'RUNNING',
  message TEXT NOT NULL DEFAULT '',
  start_time INTEGER NOT NULL,
  end_time INTEGER,
  CHECK((outcome = 'RUNNING') = (end_time IS NULL))) STRICT;
CREATE INDEX attempt_job ON attempt(job, number);

-- One row per worker; its session, if one is open, carries the lease of everything it holds. Not indexed by expiry.
CREATE TABLE worker(
  worker_id TEXT PRIMARY KEY,
  session TEXT UNIQUE,
  epoch INTEGER NOT NULL,
  boot_id BLOB NOT NULL,
  build TEXT NOT NULL,
  device TEXT NOT NULL,
  local INTEGER NOT NULL,
  expire_time INTEGER NOT NULL) STRICT;
CREATE TABLE catalogue(
  worker_id TEXT NOT NULL,
  model TEXT NOT NULL,
  digest BLOB NOT NULL,
  family TEXT NOT NULL,
  layers INTEGER NOT NULL,
  heads INTEGER NOT NULL,
  kv_heads INTEGER NOT NULL,
  head_dim INTEGER NOT NULL,
  vocabulary INTEGER NOT NULL,
  positions INTEGER NOT NULL,
  parameters INTEGER NOT NULL,
  weight_bytes INTEGER NOT NULL,
  stored_dtype TEXT NOT NULL,
  has_tokenizer INTEGER NOT NULL,
  unsupported TEXT NOT NULL,
  tokenizer_unsupported TEXT NOT NULL,
  tokenizer_digest BLOB NOT NULL,
  PRIMARY KEY(worker_id, model)) STRICT, WITHOUT ROWID;
)sql";

// Batches that suit a worker's device.
constexpr char kBatchTokens[] = "ALTER TABLE catalogue ADD COLUMN batch_tokens INTEGER NOT NULL DEFAULT 0";

constexpr char kModelDetails[] = "ALTER TABLE catalogue ADD COLUMN details BLOB NOT NULL DEFAULT x''";

// Patterns as things of their own: imported ones, and a row for every job that has succeeded. What a job's row says of
// model and labels is copied when it succeeds, since none of it changes any more.
constexpr char kPatterns[] = R"sql(
ALTER TABLE job ADD COLUMN layers INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN heads INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN head_dim INTEGER NOT NULL DEFAULT 0;

CREATE TABLE pattern(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  -- Of a job; null: imported.
  job INTEGER UNIQUE REFERENCES job(number) ON DELETE CASCADE,
  request_id TEXT UNIQUE,
  request_hash BLOB,
  blob TEXT,
  display_name TEXT NOT NULL DEFAULT '',
  origin TEXT NOT NULL DEFAULT '',
  model TEXT NOT NULL,
  model_digest BLOB NOT NULL,
  family TEXT NOT NULL,
  stored_dtype TEXT NOT NULL,
  layers INTEGER NOT NULL,
  heads INTEGER NOT NULL,
  kv_heads INTEGER NOT NULL,
  head_dim INTEGER NOT NULL,
  samples INTEGER NOT NULL DEFAULT 0,
  create_time INTEGER NOT NULL,
  CHECK((job IS NULL) = (blob IS NOT NULL))) STRICT;
CREATE INDEX pattern_blob ON pattern(blob) WHERE blob IS NOT NULL;
CREATE INDEX pattern_model ON pattern(model, number);
CREATE INDEX pattern_name ON pattern(display_name, number) WHERE display_name <> '';
CREATE TABLE pattern_label(
  pattern INTEGER NOT NULL REFERENCES pattern(number) ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY(pattern, key)) STRICT, WITHOUT ROWID;
CREATE INDEX pattern_label_value ON pattern_label(key, value, pattern);

INSERT INTO pattern(id, job, model, model_digest, family, stored_dtype, layers, heads, kv_heads, head_dim, create_time)
  SELECT 'p-' || substr(id, 3), number, model, model_digest, family, stored_dtype, layers, heads, kv_heads, head_dim,
         end_time FROM job WHERE state = 'SUCCEEDED' ORDER BY end_time, number;
INSERT INTO pattern_label(pattern, key, value)
  SELECT pattern.number, key, value FROM label JOIN pattern ON pattern.job = label.job;

CREATE TRIGGER job_succeeded AFTER UPDATE OF state ON job WHEN new.state = 'SUCCEEDED' AND old.state <> 'SUCCEEDED' BEGIN
  INSERT INTO pattern(id, job, model, model_digest, family, stored_dtype, layers, heads, kv_heads, head_dim, create_time)
    VALUES('p-' || substr(new.id, 3), new.number, new.model, new.model_digest, new.family, new.stored_dtype, new.layers,
           new.heads, new.kv_heads, new.head_dim, new.end_time);
  INSERT INTO pattern_label(pattern, key, value)
    SELECT pattern.number, key, value FROM label JOIN pattern ON pattern.job = label.job WHERE label.job = new.number;
END;
)sql";

// Sweeps: a grid of jobs. A cell points at the job that it has now; `job.sweep` also knows those that a retry replaced.
constexpr char kSweeps[] = R"sql(
CREATE TABLE sweep(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  request_id TEXT UNIQUE,
  request_hash BLOB NOT NULL,
  compute TEXT NOT NULL,
  reduction TEXT NOT NULL,
  priority INTEGER NOT NULL,
  batch_tokens INTEGER,
  queue_ttl INTEGER,
  max_attempts INTEGER NOT NULL,
  create_time INTEGER NOT NULL) STRICT;
CREATE TABLE sweep_model(
  sweep INTEGER NOT NULL REFERENCES sweep(number) ON DELETE CASCADE,
  ordinal INTEGER NOT NULL,
  model TEXT NOT NULL,
  PRIMARY KEY(sweep, ordinal)) STRICT, WITHOUT ROWID;
CREATE TABLE sweep_dataset(
  sweep INTEGER NOT NULL REFERENCES sweep(number) ON DELETE CASCADE,
  ordinal INTEGER NOT NULL,
  -- Kept alive by the jobs alone: datasets can be deleted after them.
  digest TEXT NOT NULL,
  task TEXT NOT NULL,
  PRIMARY KEY(sweep, ordinal)) STRICT, WITHOUT ROWID;
CREATE TABLE sweep_label(
  sweep INTEGER NOT NULL REFERENCES sweep(number) ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY(sweep, key)) STRICT, WITHOUT ROWID;
CREATE INDEX sweep_label_value ON sweep_label(key, value, sweep);
-- Ordinal: model * datasets + dataset. Null: the job was deleted.
CREATE TABLE sweep_cell(
  sweep INTEGER NOT NULL REFERENCES sweep(number) ON DELETE CASCADE,
  ordinal INTEGER NOT NULL,
  job INTEGER REFERENCES job(number) ON DELETE SET NULL,
  PRIMARY KEY(sweep, ordinal)) STRICT, WITHOUT ROWID;
CREATE INDEX sweep_cell_job ON sweep_cell(job) WHERE job IS NOT NULL;
ALTER TABLE job ADD COLUMN sweep INTEGER REFERENCES sweep(number) ON DELETE SET NULL;
CREATE INDEX job_sweep ON job(sweep) WHERE sweep IS NOT NULL;
)sql";

// What a cell's job had come to when it was deleted, so that a sweep's state and times outlive it. Null where there is
// a job, or where it was deleted before this was kept.
constexpr char kDeletedCells[] = R"sql(
ALTER TABLE sweep_cell ADD COLUMN deleted_state TEXT;
ALTER TABLE sweep_cell ADD COLUMN deleted_start_time INTEGER;
ALTER TABLE sweep_cell ADD COLUMN deleted_end_time INTEGER;
CREATE TRIGGER job_deleted BEFORE DELETE ON job BEGIN
  UPDATE sweep_cell SET deleted_state = old.state, deleted_start_time = old.start_time, deleted_end_time = old.end_time
    WHERE job = old.number;
END;
)sql";

// The migration to version n is the n-th. Appended to, never changed.
constexpr std::array kMigrations = {kFirst, kBatchTokens, kModelDetails, kPatterns, kSweeps, kDeletedCells};

std::int64_t StoredVersion(Database& db) {
  db.Script("CREATE TABLE IF NOT EXISTS schema_version(version INTEGER NOT NULL) STRICT");
  Rows rows = db.Query("SELECT COALESCE(MAX(version), 0) FROM schema_version");
  return rows.Next() ? rows.Int(0) : 0;
}

}  // namespace

absl::Status Migrate(Database& db) {
  const std::int64_t version = StoredVersion(db);
  if (absl::Status error = db.TakeError(); !error.ok()) return error;
  const auto newest = static_cast<std::int64_t>(kMigrations.size());
  if (version > newest) {
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     absl::StrCat("the job store has schema ", version, ", this server knows schemas up to ", newest,
                                  "; start a newer server"),
                     "SCHEMA_TOO_NEW");
  }
  for (std::int64_t next = version; next < newest; ++next) {
    const absl::Status status = InTransaction(db, [&] {
      db.Script(kMigrations[static_cast<std::size_t>(next)]);
      db.Run("INSERT INTO schema_version(version) VALUES(?)", next + 1);
      return absl::OkStatus();
    });
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace headscope::server::sqlite
