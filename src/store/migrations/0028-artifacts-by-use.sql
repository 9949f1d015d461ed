-- When a fetched file was last used, to some minutes. Null for what was published here: room is never made of that.
ALTER TABLE artifacts ADD COLUMN used_at BIGINT;
UPDATE artifacts SET used_at = fetched_at WHERE NOT EXISTS (SELECT 1 FROM hosted_files h
  WHERE h.repository = artifacts.repository AND h.package = artifacts.package AND h.file = artifacts.file);
CREATE INDEX artifacts_by_use ON artifacts (repository, used_at, package, file) WHERE used_at IS NOT NULL;

-- Of all that is stored, what was fetched: quotas are held against it.
ALTER TABLE totals ADD COLUMN fetched BIGINT NOT NULL DEFAULT 0;
UPDATE totals SET fetched = coalesce((SELECT sum(a.size) FROM artifacts a
  WHERE a.repository = totals.repository AND a.used_at IS NOT NULL), 0);
DROP TRIGGER artifacts_counted;
CREATE TRIGGER artifacts_counted AFTER INSERT ON artifacts BEGIN
  INSERT INTO totals (repository, files, bytes, fetched)
    VALUES (NEW.repository, 1, NEW.size, CASE WHEN NEW.used_at IS NULL THEN 0 ELSE NEW.size END)
    ON CONFLICT (repository) DO UPDATE SET files = totals.files + 1, bytes = totals.bytes + NEW.size,
    fetched = totals.fetched + excluded.fetched;
END;
DROP TRIGGER artifacts_uncounted;
CREATE TRIGGER artifacts_uncounted AFTER DELETE ON artifacts BEGIN
  UPDATE totals SET files = files - 1, bytes = bytes - OLD.size,
    fetched = fetched - CASE WHEN OLD.used_at IS NULL THEN 0 ELSE OLD.size END WHERE repository = OLD.repository;
END;
