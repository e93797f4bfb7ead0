-- Version 0.2.0: projects, versions of jobs, the state PREPARING, blobs with states of their own, request ids that
-- outlive what they made, and what tells one store from another.

-- One row, made when the file is opened first. `generation` grows with every start of a server on it.
CREATE TABLE store(
  only INTEGER PRIMARY KEY CHECK(only = 1),
  id TEXT NOT NULL,
  generation INTEGER NOT NULL) STRICT;

-- Bytes kept outside of this file under their SHA-256 in hex. Whoever writes some announces them (WRITING) before they
-- get their name, and makes them LIVE in the transaction that refers to them. UNUSED: nothing refers to them any more,
-- and nobody writes them. REMOVING: their file is being removed; nobody may refer to them until their row is gone.
CREATE TABLE blob(
  digest TEXT PRIMARY KEY,
  -- Bytes; -1: not measured yet.
  size INTEGER NOT NULL,
  state TEXT NOT NULL CHECK(state IN ('WRITING', 'LIVE', 'UNUSED', 'REMOVING')),
  -- Who announced them and has neither recorded them nor given them up; writers end with the server.
  writers INTEGER NOT NULL DEFAULT 0 CHECK(writers >= 0)) STRICT, WITHOUT ROWID;
CREATE INDEX blob_waste ON blob(state) WHERE state IN ('UNUSED', 'REMOVING');

-- What a request id has made, whatever has become of it since; kept at least a day longer than that.
CREATE TABLE request(
  project TEXT NOT NULL,
  kind TEXT NOT NULL CHECK(kind IN ('job', 'sweep', 'pattern')),
  request_id TEXT NOT NULL,
  hash BLOB NOT NULL,
  -- The job's, sweep's or pattern's.
  id TEXT NOT NULL,
  -- Null while what was made is there.
  delete_time INTEGER,
  PRIMARY KEY(project, kind, request_id)) STRICT, WITHOUT ROWID;
CREATE INDEX request_made ON request(kind, id);
CREATE INDEX request_deleted ON request(delete_time) WHERE delete_time IS NOT NULL;
INSERT INTO request(project, kind, request_id, hash, id)
  SELECT 'default', 'job', request_id, request_hash, id FROM job WHERE request_id IS NOT NULL;
INSERT INTO request(project, kind, request_id, hash, id)
  SELECT 'default', 'sweep', request_id, request_hash, id FROM sweep WHERE request_id IS NOT NULL;
INSERT INTO request(project, kind, request_id, hash, id)
  SELECT 'default', 'pattern', request_id, request_hash, id FROM pattern WHERE request_id IS NOT NULL;

DROP TRIGGER shard_added;
DROP TRIGGER shard_moved;
DROP TRIGGER job_succeeded;
DROP TRIGGER job_deleted;

CREATE TABLE new_dataset(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  project TEXT NOT NULL DEFAULT 'default',
  -- Names the dataset, and its blob.
  digest TEXT NOT NULL,
  sample_count INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  display_name TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  -- Of the last job that used it, or of its upload: datasets without users go by this.
  use_time INTEGER NOT NULL,
  UNIQUE(project, digest)) STRICT;
INSERT INTO new_dataset(number, digest, sample_count, size_bytes, display_name, create_time, use_time)
  SELECT number, digest, sample_count, size_bytes, display_name, create_time,
         MAX(create_time, COALESCE((SELECT MAX(job.create_time) FROM job WHERE job.dataset = digest), 0))
    FROM dataset;
DELETE FROM sqlite_sequence WHERE name = 'new_dataset';
INSERT INTO sqlite_sequence(name, seq) SELECT 'new_dataset', seq FROM sqlite_sequence WHERE name = 'dataset';
DROP TABLE dataset;
ALTER TABLE new_dataset RENAME TO dataset;
CREATE INDEX dataset_digest ON dataset(digest);

CREATE TABLE new_preparation(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  project TEXT NOT NULL DEFAULT 'default',
  dataset TEXT NOT NULL,
  append_eos INTEGER NOT NULL,
  max_tokens INTEGER,
  model_digest BLOB,
  tokenizer_digest BLOB,
  positions INTEGER,
  vocabulary INTEGER,
  reusable INTEGER NOT NULL DEFAULT 0,
  FOREIGN KEY(project, dataset) REFERENCES dataset(project, digest) ON DELETE CASCADE) STRICT;
INSERT INTO new_preparation(number, dataset, append_eos, max_tokens, model_digest, tokenizer_digest, positions,
                            vocabulary, reusable)
  SELECT number, dataset, append_eos, max_tokens, model_digest, tokenizer_digest, positions, vocabulary, reusable
    FROM preparation;
DELETE FROM sqlite_sequence WHERE name = 'new_preparation';
INSERT INTO sqlite_sequence(name, seq) SELECT 'new_preparation', seq FROM sqlite_sequence WHERE name = 'preparation';
DROP TABLE preparation;
ALTER TABLE new_preparation RENAME TO preparation;
CREATE INDEX preparation_dataset ON preparation(project, dataset);

CREATE TABLE new_job(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  project TEXT NOT NULL DEFAULT 'default',
  id TEXT NOT NULL UNIQUE,
  -- +1 with every change that a client can see: the sequence of its watchers.
  version INTEGER NOT NULL DEFAULT 1,
  state TEXT NOT NULL DEFAULT 'QUEUED'
    CHECK(state IN ('QUEUED', 'PREPARING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'EXPIRED')),
  cancel_requested INTEGER NOT NULL DEFAULT 0,
  prepared INTEGER NOT NULL DEFAULT 0,
  model TEXT NOT NULL,
  model_digest BLOB NOT NULL,
  -- Of the pinned model.
  family TEXT NOT NULL DEFAULT '',
  stored_dtype TEXT NOT NULL DEFAULT '',
  layers INTEGER NOT NULL DEFAULT 0,
  heads INTEGER NOT NULL DEFAULT 0,
  kv_heads INTEGER NOT NULL DEFAULT 0,
  head_dim INTEGER NOT NULL DEFAULT 0,
  dataset TEXT NOT NULL,
  compute TEXT NOT NULL,
  reduction TEXT NOT NULL,
  priority INTEGER NOT NULL,
  batch_tokens INTEGER,
  queue_ttl INTEGER,
  max_attempts INTEGER NOT NULL,
  preparation INTEGER NOT NULL REFERENCES preparation(number),
  sweep INTEGER REFERENCES sweep(number) ON DELETE SET NULL,
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
  -- When it was submitted or retried: what queue_ttl and the wait are counted from.
  queue_time INTEGER NOT NULL,
  -- QUEUED or PREPARING, it expires then.
  queue_deadline INTEGER,
  -- Of tokens_done: done before it was retried last, and no part of the present rate.
  tokens_kept INTEGER NOT NULL DEFAULT 0,
  -- When it may be deleted, once it has ended; null: as the server's retention says.
  expire_time INTEGER,
  last_lease_time INTEGER,
  FOREIGN KEY(project, dataset) REFERENCES dataset(project, digest),
  CHECK((state IN ('QUEUED', 'PREPARING', 'RUNNING')) = (end_time IS NULL)),
  CHECK((state = 'FAILED') = (failure_reason IS NOT NULL)),
  CHECK(end_time IS NULL OR (queued_shards = 0 AND leased_shards = 0)),
  CHECK(state <> 'QUEUED' OR NOT cancel_requested)) STRICT;
INSERT INTO new_job(number, id, state, cancel_requested, prepared, model, model_digest, family, stored_dtype, layers,
                    heads, kv_heads, head_dim, dataset, compute, reduction, priority, batch_tokens, queue_ttl,
                    max_attempts, preparation, sweep, failure_reason, failure_message, samples_done, samples_total,
                    tokens_done, tokens_total, response_tokens, invalid_samples, attempts, halved_shards,
                    queued_shards, leased_shards, create_time, start_time, end_time, queue_time, queue_deadline,
                    last_lease_time)
  SELECT number, id, state, cancel_requested, prepared, model, model_digest, family, stored_dtype, layers,
         heads, kv_heads, head_dim, dataset, compute, reduction, priority, batch_tokens, queue_ttl,
         max_attempts, preparation, sweep, failure_reason, failure_message, samples_done, samples_total,
         tokens_done, tokens_total, response_tokens, invalid_samples, attempts, halved_shards,
         queued_shards, leased_shards, create_time, start_time, end_time, create_time, expire_time,
         last_lease_time
    FROM job;
DELETE FROM sqlite_sequence WHERE name = 'new_job';
INSERT INTO sqlite_sequence(name, seq) SELECT 'new_job', seq FROM sqlite_sequence WHERE name = 'job';
DROP TABLE job;
ALTER TABLE new_job RENAME TO job;
-- RUNNING means from now on that a shard was leased to be scored.
UPDATE job SET state = 'PREPARING' WHERE state = 'RUNNING' AND NOT EXISTS
  (SELECT 1 FROM attempt WHERE attempt.job = job.number AND attempt.phase = 'SCORE');
-- And so does start_time.
UPDATE job SET start_time =
  (SELECT MIN(start_time) FROM attempt WHERE attempt.job = job.number AND attempt.phase = 'SCORE');
CREATE INDEX job_waiting ON job(model, prepared, model_digest, priority DESC, leased_shards, number)
  WHERE queued_shards > 0;
CREATE INDEX job_state ON job(state, number);
CREATE INDEX job_project ON job(project, number);
CREATE INDEX job_model ON job(model, state, number);
CREATE INDEX job_dataset ON job(dataset, project);
CREATE INDEX job_preparation ON job(preparation);
CREATE INDEX job_sweep ON job(sweep) WHERE sweep IS NOT NULL;
CREATE INDEX job_deadline ON job(queue_deadline)
  WHERE state IN ('QUEUED', 'PREPARING') AND queue_deadline IS NOT NULL;
CREATE INDEX job_end ON job(end_time) WHERE end_time IS NOT NULL;

-- A shard's scores lie in `blob`, or where small ones were packed into a segment, in its bytes from blob_offset on.
ALTER TABLE shard ADD COLUMN blob_offset INTEGER;
ALTER TABLE shard ADD COLUMN blob_length INTEGER;
-- When workers died of the shard: those of the last while count. A former version kept their number alone.
CREATE TABLE worker_death(
  shard INTEGER NOT NULL REFERENCES shard(number) ON DELETE CASCADE,
  time INTEGER NOT NULL) STRICT;
CREATE INDEX worker_death_shard ON worker_death(shard, time);

CREATE TABLE new_sweep(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  project TEXT NOT NULL DEFAULT 'default',
  id TEXT NOT NULL UNIQUE,
  compute TEXT NOT NULL,
  reduction TEXT NOT NULL,
  priority INTEGER NOT NULL,
  batch_tokens INTEGER,
  queue_ttl INTEGER,
  max_attempts INTEGER NOT NULL,
  create_time INTEGER NOT NULL) STRICT;
INSERT INTO new_sweep(number, id, compute, reduction, priority, batch_tokens, queue_ttl, max_attempts, create_time)
  SELECT number, id, compute, reduction, priority, batch_tokens, queue_ttl, max_attempts, create_time FROM sweep;
DELETE FROM sqlite_sequence WHERE name = 'new_sweep';
INSERT INTO sqlite_sequence(name, seq) SELECT 'new_sweep', seq FROM sqlite_sequence WHERE name = 'sweep';
DROP TABLE sweep;
ALTER TABLE new_sweep RENAME TO sweep;
CREATE INDEX sweep_project ON sweep(project, number);

CREATE TABLE new_pattern(
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  project TEXT NOT NULL DEFAULT 'default',
  id TEXT NOT NULL UNIQUE,
  -- Of a job; null: imported.
  job INTEGER UNIQUE REFERENCES job(number) ON DELETE CASCADE,
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
INSERT INTO new_pattern(number, id, job, blob, display_name, origin, model, model_digest, family, stored_dtype, layers,
                        heads, kv_heads, head_dim, samples, create_time)
  SELECT number, id, job, blob, display_name, origin, model, model_digest, family, stored_dtype, layers, heads,
         kv_heads, head_dim, samples, create_time FROM pattern;
DELETE FROM sqlite_sequence WHERE name = 'new_pattern';
INSERT INTO sqlite_sequence(name, seq) SELECT 'new_pattern', seq FROM sqlite_sequence WHERE name = 'pattern';
DROP TABLE pattern;
ALTER TABLE new_pattern RENAME TO pattern;
CREATE INDEX pattern_blob ON pattern(blob) WHERE blob IS NOT NULL;
CREATE INDEX pattern_project ON pattern(project, number);
CREATE INDEX pattern_model ON pattern(model, number);
-- The old one was partial, and so of no use to a question with a parameter.
CREATE INDEX pattern_name ON pattern(display_name, number);
CREATE INDEX pattern_family ON pattern(family, number);

-- Sizes were not kept; the server measures the files at its next start.
INSERT INTO blob(digest, size, state)
  SELECT digest, -1, 'LIVE' FROM (SELECT digest FROM dataset UNION SELECT blob FROM shard WHERE blob IS NOT NULL
                                     UNION SELECT blob FROM pattern WHERE blob IS NOT NULL) WHERE TRUE
  ON CONFLICT(digest) DO NOTHING;

CREATE TRIGGER shard_added AFTER INSERT ON shard WHEN new.state = 'QUEUED' BEGIN
  UPDATE job SET queued_shards = queued_shards + 1 WHERE number = new.job;
END;
CREATE TRIGGER shard_moved AFTER UPDATE OF state ON shard WHEN old.state <> new.state BEGIN
  UPDATE job SET queued_shards = queued_shards + (new.state = 'QUEUED') - (old.state = 'QUEUED'),
                 leased_shards = leased_shards + (new.state = 'LEASED') - (old.state = 'LEASED')
  WHERE number = new.job;
END;
CREATE TRIGGER job_succeeded AFTER UPDATE OF state ON job WHEN new.state = 'SUCCEEDED' AND old.state <> 'SUCCEEDED' BEGIN
  INSERT INTO pattern(id, job, project, model, model_digest, family, stored_dtype, layers, heads, kv_heads, head_dim,
                      create_time)
    VALUES('p-' || substr(new.id, 3), new.number, new.project, new.model, new.model_digest, new.family,
           new.stored_dtype, new.layers, new.heads, new.kv_heads, new.head_dim, new.end_time);
  INSERT INTO pattern_label(pattern, key, value)
    SELECT pattern.number, key, value FROM label JOIN pattern ON pattern.job = label.job WHERE label.job = new.number;
END;
CREATE TRIGGER job_deleted BEFORE DELETE ON job BEGIN
  UPDATE sweep_cell SET deleted_state = old.state, deleted_start_time = old.start_time, deleted_end_time = old.end_time
    WHERE job = old.number;
END;
