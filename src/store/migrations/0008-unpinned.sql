-- Unpinned: pins that an operator took back. A pin may go only when it is written down here, with who, when and why.
CREATE TABLE unpinned (
  id         INTEGER PRIMARY KEY,
  at         BIGINT NOT NULL,
  by         TEXT NOT NULL,
  reason     TEXT NOT NULL,
  repository TEXT NOT NULL,
  package    TEXT NOT NULL,
  file       TEXT NOT NULL,
  sha256     TEXT NOT NULL,
  size       BIGINT NOT NULL,
  first_seen BIGINT NOT NULL,
  upstream   TEXT NOT NULL,
  digests    TEXT,
  content    TEXT
);
CREATE TRIGGER unpinned_is_final BEFORE UPDATE ON unpinned BEGIN SELECT raise(ABORT, 'what was unpinned is final'); END;
CREATE TRIGGER unpinned_stays BEFORE DELETE ON unpinned BEGIN SELECT raise(ABORT, 'what was unpinned is final'); END;

DROP TRIGGER pins_stay;
CREATE TRIGGER pins_stay BEFORE DELETE ON pins
  WHEN NOT EXISTS (SELECT 1 FROM unpinned u WHERE u.repository = OLD.repository AND u.package = OLD.package
    AND u.file = OLD.file AND u.sha256 = OLD.sha256 AND u.first_seen = OLD.first_seen)
  BEGIN SELECT raise(ABORT, 'pins are final'); END;
