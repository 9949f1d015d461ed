-- What is to become leaves of the append-only log (ledger/log/): written by triggers, in the transaction of the row that it is about, so that
-- neither is there without the other. What a row holds depends on its kind, see ledger/log/leaf.ts.
CREATE TABLE log_queue (
  id         INTEGER PRIMARY KEY,
  kind       TEXT NOT NULL,  -- 'pin', 'unpin', 'fact', 'event', 'waiver', 'unwaive', 'lost'
  ref        TEXT,
  repository TEXT,
  package    TEXT,
  version    TEXT,
  file       TEXT,
  at         BIGINT,
  sha256     TEXT,
  size       BIGINT,
  source     TEXT,
  integrity  TEXT,
  state      TEXT,
  told       TEXT,
  seen       TEXT,
  gone       TEXT,
  tampered   TEXT,
  shown      TEXT,
  ends       BIGINT,
  sealed     TEXT,           -- what stands in the leaf as a keyed digest alone: it can name people
  sealed_too TEXT,
  taken_up   INTEGER         -- 1: the row was there before its leaf was; null: it came with it
);

-- How far the log goes as the database knows it ('checkpoint'), after which of the rows of before it the next are taken up ('fill …'), and what was
-- lost and nobody has accepted yet ('loss').
CREATE TABLE log_state (
  name  TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);

INSERT INTO log_state (name, value) SELECT 'fill pin', '[]' WHERE EXISTS (SELECT 1 FROM pins);
INSERT INTO log_state (name, value) SELECT 'fill fact', '[]' WHERE EXISTS (SELECT 1 FROM facts);
INSERT INTO log_state (name, value) SELECT 'fill event', '[]' WHERE EXISTS (SELECT 1 FROM events);
INSERT INTO log_state (name, value) SELECT 'fill waiver', '[]' WHERE EXISTS (SELECT 1 FROM waivers);

-- Where the pin of a file stands in the log.
CREATE TABLE log_pins (
  repository TEXT NOT NULL,
  package    TEXT NOT NULL,
  file       TEXT NOT NULL,
  leaf       BIGINT NOT NULL,
  PRIMARY KEY (repository, package, file)
);

-- The newest checkpoint of each other log that this server is a witness of, as it was cosigned.
CREATE TABLE log_witnessed (
  origin TEXT NOT NULL PRIMARY KEY,
  size   BIGINT NOT NULL,
  note   TEXT NOT NULL
);

CREATE TRIGGER pins_logged AFTER INSERT ON pins BEGIN
  INSERT INTO log_queue (kind, repository, package, file, at, sha256, size, source, integrity, state)
    VALUES ('pin', NEW.repository, NEW.package, NEW.file, NEW.first_seen, NEW.sha256, NEW.size, NEW.upstream, NEW.digests, NEW.content);
END;
CREATE TRIGGER unpinned_logged AFTER INSERT ON unpinned BEGIN
  INSERT INTO log_queue (kind, repository, package, file, at, sha256, size, sealed, sealed_too)
    VALUES ('unpin', NEW.repository, NEW.package, NEW.file, NEW.at, NEW.sha256, NEW.size, NEW."by", NEW.reason);
END;
CREATE TRIGGER facts_logged AFTER INSERT ON facts BEGIN
  INSERT INTO log_queue (kind, repository, package, version, file, source, integrity, told, seen, gone, tampered, shown)
    VALUES ('fact', NEW.repository, NEW.package, NEW.version, NEW.file, NEW.location, NEW.integrity, NEW.published_at, NEW.first_seen,
      NEW.gone_at, NEW.tampered_at, NEW.tampered_shown);
END;
CREATE TRIGGER facts_logged_again AFTER UPDATE ON facts
  WHEN NEW.version IS DISTINCT FROM OLD.version OR NEW.location IS DISTINCT FROM OLD.location OR NEW.integrity IS DISTINCT FROM OLD.integrity
    OR NEW.published_at IS DISTINCT FROM OLD.published_at OR NEW.first_seen IS DISTINCT FROM OLD.first_seen OR NEW.gone_at IS DISTINCT FROM OLD.gone_at
    OR NEW.tampered_at IS DISTINCT FROM OLD.tampered_at OR NEW.tampered_shown IS DISTINCT FROM OLD.tampered_shown
BEGIN
  INSERT INTO log_queue (kind, repository, package, version, file, source, integrity, told, seen, gone, tampered, shown)
    VALUES ('fact', NEW.repository, NEW.package, NEW.version, NEW.file, NEW.location, NEW.integrity, NEW.published_at, NEW.first_seen,
      NEW.gone_at, NEW.tampered_at, NEW.tampered_shown);
END;
CREATE TRIGGER events_logged AFTER INSERT ON events BEGIN
  INSERT INTO log_queue (kind, repository, package, version, file, at, state, sealed, sealed_too)
    VALUES ('event', NEW.repository, NEW.package, NEW.version, NEW.file, NEW.at, NEW.kind, NEW.message, NEW.detail);
END;
CREATE TRIGGER waivers_logged AFTER INSERT ON waivers BEGIN
  INSERT INTO log_queue (kind, ref, repository, package, version, at, state, ends, sealed, sealed_too)
    VALUES ('waiver', NEW.id, NEW.repository, NEW.package, NEW.versions, NEW.created_at, NEW.purl_type, NEW.ends_at, NEW.owner, NEW.reason);
END;
CREATE TRIGGER waivers_logged_again AFTER UPDATE ON waivers BEGIN
  INSERT INTO log_queue (kind, ref, repository, package, version, at, state, ends, sealed, sealed_too)
    VALUES ('waiver', NEW.id, NEW.repository, NEW.package, NEW.versions, NEW.created_at, NEW.purl_type, NEW.ends_at, NEW.owner, NEW.reason);
END;
CREATE TRIGGER waivers_unlogged AFTER DELETE ON waivers BEGIN
  INSERT INTO log_queue (kind, ref, repository, package, version, state)
    VALUES ('unwaive', OLD.id, OLD.repository, OLD.package, OLD.versions, OLD.purl_type);
END;
