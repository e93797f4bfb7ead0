-- Sweeps: a grid of jobs. A cell points at the job that it has now; `job.sweep` also knows those that a retry replaced.
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
