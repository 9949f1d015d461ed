-- What feeds tell is wrong with releases. `raw` is the record as the feed sent it, deflated: all else that is asked of it is read from there.
CREATE TABLE advisories (
  feed        TEXT NOT NULL,
  id          TEXT NOT NULL,
  mark        TEXT NOT NULL,            -- of its bytes: what has the same was not changed
  modified_at BIGINT NOT NULL,
  withdrawn   BIGINT NOT NULL,          -- 1: it was taken back, and stays for who asks about it
  raw         BLOB NOT NULL,
  PRIMARY KEY (feed, id)
);
CREATE INDEX advisories_by_id ON advisories (id);

-- The packages that it is about, those of withdrawn ones left out.
CREATE TABLE advisory_packages (
  purl_type TEXT NOT NULL,
  name      TEXT NOT NULL,              -- by the format's normal form
  feed      TEXT NOT NULL,
  id        TEXT NOT NULL,
  PRIMARY KEY (purl_type, name, feed, id)
);
CREATE INDEX advisory_packages_by_record ON advisory_packages (feed, id);

CREATE TABLE advisory_aliases (
  alias TEXT NOT NULL,
  feed  TEXT NOT NULL,
  id    TEXT NOT NULL,
  PRIMARY KEY (alias, feed, id)
);
CREATE INDEX advisory_aliases_by_record ON advisory_aliases (feed, id);

CREATE TABLE feeds (
  name      TEXT NOT NULL PRIMARY KEY,
  read_at   BIGINT,                     -- when it was last asked and answered
  whole_at  BIGINT,                     -- when all of it was last read
  newest_at BIGINT,                     -- when its newest record was last modified
  records   BIGINT NOT NULL,
  skipped   BIGINT NOT NULL,            -- entries that could not be read, the last time that all was
  etag      TEXT,                       -- of what was read whole
  delta_to  TEXT,                       -- the newest line of its list of changes that was followed
  error     TEXT                        -- why it could not be read the last time
);

-- What was told of releases that are known here, so that it is told once.
CREATE TABLE advisory_told (
  repository TEXT NOT NULL,
  package    TEXT NOT NULL,
  version    TEXT NOT NULL,
  id         TEXT NOT NULL,
  kind       TEXT NOT NULL,             -- of the event
  told_at    BIGINT NOT NULL,
  PRIMARY KEY (repository, package, version, id, kind)
);
