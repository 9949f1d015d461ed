-- What other servers on the same database must hear. Which transaction wrote it tells who has seen it: numbers come in the order in which transactions began.
CREATE TABLE changes (
  id         INTEGER PRIMARY KEY,
  origin     TEXT NOT NULL,
  kind       TEXT NOT NULL,
  repository TEXT NOT NULL,
  key        TEXT NOT NULL,         -- JSON: text here has no NUL
  xact       xid8 NOT NULL DEFAULT pg_current_xact_id(),
  at         timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX changes_by_xact ON changes (xact);
CREATE INDEX changes_by_age ON changes (at);
CREATE TRIGGER changes_told AFTER INSERT ON changes BEGIN PERFORM pg_notify('holdfast_changes', ''); END;
-- Who listens, and what each has heard: the snapshot of the database up to which it knows all.
CREATE TABLE listeners (
  origin TEXT PRIMARY KEY,
  heard  TEXT NOT NULL,
  at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TRIGGER listeners_heard AFTER UPDATE ON listeners BEGIN PERFORM pg_notify('holdfast_heard', ''); END;
