-- Patterns as things of their own: imported ones, and a row for every job that has succeeded. What a job's row says of
-- model and labels is copied when it succeeds, since none of it changes any more.
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
