-- Events are never removed either: what was seen was seen.
CREATE TRIGGER events_stay BEFORE DELETE ON events BEGIN SELECT raise(ABORT, 'events are final'); END;

-- What a trigger inserts names its columns too, so that a column that is added later is none of its business.
DROP TRIGGER artifacts_counted;
CREATE TRIGGER artifacts_counted AFTER INSERT ON artifacts BEGIN
  INSERT INTO totals (repository, files, bytes) VALUES (NEW.repository, 1, NEW.size)
    ON CONFLICT (repository) DO UPDATE SET files = totals.files + 1, bytes = totals.bytes + NEW.size;
END;
