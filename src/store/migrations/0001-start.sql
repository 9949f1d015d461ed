-- Documents: the newest accepted copy of each mutable resource. An upstream's "no" is remembered in memory alone.
CREATE TABLE documents (
  repository    TEXT NOT NULL,
  kind          TEXT NOT NULL,
  key           TEXT NOT NULL,
  package       TEXT NOT NULL,
  status        INTEGER NOT NULL,  -- 200
  received      TEXT,              -- SHA-256 of the bytes as they came, to notice that nothing changed
  blob          TEXT,              -- SHA-256 of the gzip that is stored
  size          INTEGER,           -- bytes, uncompressed
  stored_size   INTEGER,           -- bytes on disk
  etag          TEXT,
  last_modified TEXT,
  upstream      TEXT,
  ref           TEXT NOT NULL,     -- JSON: how to ask for it again, see core/format.ts DocumentRef
  overlay       TEXT NOT NULL,     -- JSON: what the newest upstream copy no longer says, see core/format.ts Overlay
  checked_at    BIGINT NOT NULL,   -- milliseconds since the epoch, like every time here
  fresh_until   BIGINT NOT NULL,
  changed_at    BIGINT NOT NULL,
  PRIMARY KEY (repository, kind, key)
);
CREATE INDEX documents_by_blob ON documents (blob);

-- Facts: the first integrity seen of every file that a document ever named. One row a package, see ledger/facts.ts.
CREATE TABLE facts (
  repository TEXT NOT NULL,
  package    TEXT NOT NULL,
  facts      TEXT NOT NULL,
  PRIMARY KEY (repository, package)
);

-- Pins: the first digest seen of a file's bytes is the only one ever served.
CREATE TABLE pins (
  repository TEXT NOT NULL,
  package    TEXT NOT NULL,
  file       TEXT NOT NULL,
  sha256     TEXT NOT NULL,
  size       BIGINT NOT NULL,
  first_seen BIGINT NOT NULL,
  upstream   TEXT NOT NULL,
  PRIMARY KEY (repository, package, file)
);
CREATE TRIGGER pins_are_final BEFORE UPDATE ON pins BEGIN SELECT raise(ABORT, 'pins are final'); END;
CREATE TRIGGER pins_stay BEFORE DELETE ON pins BEGIN SELECT raise(ABORT, 'pins are final'); END;

-- Artifacts: which files are stored now. A row may go (eviction, repair) and come back; its pin stays.
CREATE TABLE artifacts (
  repository TEXT NOT NULL,
  package    TEXT NOT NULL,
  file       TEXT NOT NULL,
  version    TEXT NOT NULL,
  purl       TEXT NOT NULL,
  sha256     TEXT NOT NULL,
  size       BIGINT NOT NULL,
  fetched_at BIGINT NOT NULL,
  upstream   TEXT NOT NULL,
  path       TEXT NOT NULL,        -- how a client asks for it, inside the repository: how it can be fetched again
  PRIMARY KEY (repository, package, file)
);
CREATE INDEX artifacts_by_blob ON artifacts (sha256);

-- Events: what an operator must know. Never changed, never removed.
CREATE TABLE events (
  id         INTEGER PRIMARY KEY,
  at         BIGINT NOT NULL,
  kind       TEXT NOT NULL,
  repository TEXT NOT NULL,
  package    TEXT NOT NULL,
  version    TEXT,
  file       TEXT,
  message    TEXT NOT NULL,
  detail     TEXT NOT NULL
);
CREATE TRIGGER events_are_final BEFORE UPDATE ON events BEGIN SELECT raise(ABORT, 'events are final'); END;

-- Kept: small values that a format needs when the upstream is away (advisories, keys, checksum database tiles).
CREATE TABLE kept (
  repository TEXT NOT NULL,
  key        TEXT NOT NULL,
  bytes      BLOB NOT NULL,
  at         BIGINT NOT NULL,
  PRIMARY KEY (repository, key)
);

-- Totals: stored artifacts by repository, kept by triggers so that a metric never counts a million rows.
CREATE TABLE totals (
  repository TEXT PRIMARY KEY,
  files      BIGINT NOT NULL,
  bytes      BIGINT NOT NULL
);
CREATE TRIGGER artifacts_counted AFTER INSERT ON artifacts BEGIN
  INSERT INTO totals VALUES (NEW.repository, 1, NEW.size)
    ON CONFLICT (repository) DO UPDATE SET files = files + 1, bytes = bytes + NEW.size;
END;
CREATE TRIGGER artifacts_uncounted AFTER DELETE ON artifacts BEGIN
  UPDATE totals SET files = files - 1, bytes = bytes - OLD.size WHERE repository = OLD.repository;
END;
