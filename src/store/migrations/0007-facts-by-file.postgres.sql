-- No database of PostgreSQL was ever of a version before this one: there are no facts to carry over.
DROP TABLE facts;
CREATE TABLE facts (
  repository     TEXT NOT NULL,
  package        TEXT NOT NULL,
  file           TEXT NOT NULL,
  version        TEXT NOT NULL,
  integrity      TEXT,
  is_grown       INTEGER NOT NULL,
  location       TEXT,
  published_at   TEXT,
  gone_at        TEXT,
  tampered_at    TEXT,
  tampered_shown TEXT,
  revision       INTEGER NOT NULL,
  PRIMARY KEY (repository, package, file)
);
CREATE INDEX facts_marked ON facts (repository, package, file) WHERE gone_at IS NOT NULL OR tampered_at IS NOT NULL;
