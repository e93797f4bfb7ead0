-- Batches that suit a worker's device.
ALTER TABLE catalogue ADD COLUMN batch_tokens INTEGER NOT NULL DEFAULT 0;
