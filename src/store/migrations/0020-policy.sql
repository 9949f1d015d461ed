-- When a file was first named, of those that a package came to name later: ISO 8601. Null for what was there when anybody first looked.
ALTER TABLE facts ADD COLUMN first_seen TEXT;

-- Exceptions that administrators made from the rules of the configuration.
CREATE TABLE waivers (
  id         TEXT NOT NULL PRIMARY KEY,
  repository TEXT NOT NULL,             -- empty for all
  purl_type  TEXT NOT NULL,
  package    TEXT NOT NULL,
  versions   TEXT NOT NULL,             -- an exact version, or a range
  reason     TEXT NOT NULL,
  owner      TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  ends_at    BIGINT                     -- null: when it is taken back
);
