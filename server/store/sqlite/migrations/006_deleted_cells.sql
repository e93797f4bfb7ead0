-- What a cell's job had come to when it was deleted, so that a sweep's state and times outlive it. Null where there is
-- a job, or where it was deleted before this was kept.
ALTER TABLE sweep_cell ADD COLUMN deleted_state TEXT;
ALTER TABLE sweep_cell ADD COLUMN deleted_start_time INTEGER;
ALTER TABLE sweep_cell ADD COLUMN deleted_end_time INTEGER;
CREATE TRIGGER job_deleted BEFORE DELETE ON job BEGIN
  UPDATE sweep_cell SET deleted_state = old.state, deleted_start_time = old.start_time, deleted_end_time = old.end_time
    WHERE job = old.number;
END;
