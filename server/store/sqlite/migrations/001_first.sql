-- Times are microseconds since the epoch, durations microseconds, digests raw bytes (datasets' and blobs': hex).
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
